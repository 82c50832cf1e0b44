#!/usr/bin/env bash
# A sweep on GKE: xpk makes a JobSet of every share and starts it again whenever its slice was taken back.
# IMAGE is built from the Dockerfile beside this file, with ParallelBench's rows in rows/.
#
#   CLUSTER=dllm BUCKET=my-bucket IMAGE=gcr.io/my-project/dllm SLICE=v5e-8 SHARES=4 \
#     tpu_configs/launch/xpk.sh
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
: "${CLUSTER:?the name of the cluster}" "${BUCKET:?the bucket, without gs://}" "${IMAGE:?the image}"
SLICE=${SLICE:-v5e-8} SHARES=${SHARES:-1}
type=${SLICE/v5e-/v5litepod-}
sweep=$(tr '\n' ' ' <"$here/sweep.args")

xpk cluster create --cluster "$CLUSTER" --tpu-type "$type" --num-slices "$SHARES" --spot
for share in $(seq "$SHARES"); do
  # One slice each: shares know nothing of one another.
  xpk workload create --cluster "$CLUSTER" --workload "dllm-$share" --tpu-type "$type" \
    --num-slices 1 --docker-image "$IMAGE" --max-restarts 50 --command \
    "python -m benchmarks run $sweep --hardware tpu_configs/$SLICE.toml --out out \
      --mirror gs://$BUCKET/run --shard $share/$SHARES"
done
