#!/usr/bin/env bash
# What every host of a slice does when it starts: its share of the sweep, from where the bucket has it.
# The images of TPU VMs have Python 3.10; uv brings one that the package takes.
set -euxo pipefail
exec >>/var/log/dllm.log 2>&1
export HOME=/root
about() {
  curl -fs -H 'Metadata-Flavor: Google' \
    "http://metadata.google.internal/computeMetadata/v1/instance/attributes/$1"
}
bucket=$(about dllm-bucket)
share=$(about dllm-share)
shares=$(about dllm-shares)
slice=$(about dllm-slice)
about dllm-sweep >/root/sweep.args

mkdir -p /root/dllm
cd /root/dllm
gcloud storage cat "gs://$bucket/dllm.tar.gz" | tar xz
gcloud storage cp -r "gs://$bucket/rows" .
apt-get install -qqy default-jre-headless # LanguageTool grades texts
curl -LsSf https://astral.sh/uv/install.sh | sh
export PATH="$HOME/.local/bin:$PATH"
uv venv -q --clear --python 3.12
uv pip install -q '.[tpu,text,gcs]'

# Spot slices are taken back with 30 seconds' notice. Every finished batch is in the bucket by then.
# shellcheck disable=SC2046
.venv/bin/python -m benchmarks run $(cat /root/sweep.args) \
  --hardware "tpu_configs/$slice.toml" --out out --mirror "gs://$bucket/run" \
  --shard "$share/$shares"
echo done | gcloud storage cp - "gs://$bucket/done/$share-of-$shares"
