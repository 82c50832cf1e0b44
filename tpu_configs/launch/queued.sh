#!/usr/bin/env bash
# A sweep on spot slices: one queued resource a share, asked for again whenever it was taken back,
# and deleted when its share is done. Stop it and start it again as you like.
#
#   BUCKET=my-bucket ZONE=us-west4-a SLICE=v5e-8 SHARES=4 tpu_configs/launch/queued.sh
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
: "${BUCKET:?the bucket, without gs://}" "${ZONE:?the zone of the slices}"
SLICE=${SLICE:-v5e-8} SHARES=${SHARES:-1} PAUSE=${PAUSE:-60}

case $SLICE in
  v5e-*) type=v5litepod-${SLICE#v5e-} runtime=v2-alpha-tpuv5-lite ;;
  v6e-*) type=$SLICE runtime=v2-alpha-tpuv6e ;;
  v5p-*) type=$SLICE runtime=v2-alpha-tpuv5 ;;
  v4-*) type=$SLICE runtime=tpu-ubuntu2204-base ;;
  *)
    echo "queued.sh: SLICE must be of v4, v5e, v5p or v6e, got $SLICE (tpu7x: see xpk.sh)" >&2
    exit 2
    ;;
esac

resources() { gcloud compute tpus queued-resources "$@" --zone "$ZONE"; }
is_done() { gcloud storage ls "gs://$BUCKET/done/$1-of-$SHARES" >/dev/null 2>&1; }
state() { resources describe "dllm-$1" --format 'value(state.state)' 2>/dev/null || true; }
delete() { resources delete "dllm-$1" --force --quiet; }
create() {
  resources create "dllm-$1" --node-id "dllm-$1" --spot \
    --accelerator-type "$type" --runtime-version "$runtime" \
    --scopes https://www.googleapis.com/auth/cloud-platform \
    --metadata "dllm-bucket=$BUCKET,dllm-share=$1,dllm-shares=$SHARES,dllm-slice=$SLICE" \
    --metadata-from-file "startup-script=$here/worker.sh,dllm-sweep=$here/sweep.args"
}

while true; do
  left=0
  for share in $(seq "$SHARES"); do
    found=$(state "$share")
    if is_done "$share"; then
      if [ -n "$found" ]; then delete "$share"; fi
      continue
    fi
    left=$((left + 1))
    case $found in
      '') create "$share" ;;
      SUSPENDED | FAILED)
        echo "share $share: $found, asked for again"
        delete "$share"
        create "$share"
        ;;
    esac
  done
  if [ "$left" -eq 0 ]; then break; fi
  sleep "$PAUSE"
done
echo "all $SHARES shares are done"
