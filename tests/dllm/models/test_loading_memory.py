"""Loading holds the parameters and little more."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from dllm.models.random import init_random
from tests.checkpoints import small_config

LARGE = {
    "n_layers": 26,
    "d_model": 2048,
    "n_heads": 16,
    "n_kv_heads": 16,
    "mlp_hidden_size": 8192,
    "vocab_size": 126464,
    "embedding_size": 126464,
}

MEASURE = """
import json, re, sys
from pathlib import Path
import jax
import dllm
jax.block_until_ready(jax.jit(lambda x: x + 1)(1.0))
def memory(name):  # of this process alone: rusage remembers its parent's
    return 1024 * int(re.search(name + r":\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
before = memory("VmRSS")
model = dllm.load(sys.argv[1], dtype=sys.argv[2] or None)
leaves = jax.tree.leaves(model.network.state)
print(json.dumps({
    "grown": memory("VmHWM") - before,
    "held": sum(leaf.nbytes for leaf in leaves),
    "largest": max(leaf.nbytes for leaf in leaves),
}))
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads Linux's /proc")
@pytest.mark.parametrize("dtype", ["", "float32"], ids=["as-stored", "widened"])
def test_peak_is_the_parameters_and_a_third_of_a_tensor(
    tmp_path_factory: pytest.TempPathFactory, dtype: str
) -> None:
    folder = _large_folder(tmp_path_factory)
    command = [sys.executable, "-c", MEASURE, str(folder), dtype]
    figures = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    print(figures)
    assert figures["held"] > (4 if dtype == "" else 8) * 2**30
    assert figures["grown"] <= figures["held"] + 1.3 * figures["largest"]


def _large_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """4 GiB of bfloat16 in several shards, made once."""
    folder = tmp_path_factory.getbasetemp() / "large"
    if not folder.exists():
        init_random(folder, small_config(**LARGE), dtype="bfloat16", shard=2**30)
    assert len(list(folder.glob("*.safetensors"))) > 2
    return folder
