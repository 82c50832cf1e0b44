"""WeDLM from Qwen3 (norms on queries and keys) and from Qwen2.5 (biases)."""

from pathlib import Path

import pytest

import dllm
from tests.families.agree import assert_agrees, assert_same_over_a_cache
from tests.parity.make import write
from tests.parity.shapes import QWEN

_OWN = {
    **QWEN,
    "architectures": ["WeDLMForCausalLM"],
    "model_type": "wedlm",
    "head_dim": 8,
    "mask_token_id": 90,
}
TINY = {
    "wedlm_qwen2": {**_OWN, "attention_bias": True, "qk_norm": False},
    "wedlm_qwen3": {**_OWN, "attention_bias": False, "qk_norm": True},
}


@pytest.mark.parametrize(
    "name", [pytest.param("wedlm_qwen2", marks=pytest.mark.slow), "wedlm_qwen3"]
)
def test_equals_numpy(tmp_path: Path, name: str) -> None:
    assert_agrees(tmp_path, TINY[name])


@pytest.mark.slow
def test_a_cache_changes_no_token(tmp_path: Path) -> None:
    model = dllm.load(write(tmp_path, TINY["wedlm_qwen3"]))
    assert_same_over_a_cache(model, 4)


def test_a_cache_needs_nothing_decided_behind(tmp_path: Path) -> None:
    network = dllm.load(write(tmp_path, TINY["wedlm_qwen3"])).network
    rows = dllm.rows([[1, 2, 3, 4]], 8, 4)
    given = rows._replace(canvas=rows.canvas.at[0, 10].set(5))
    with pytest.raises(ValueError, match="needs every block behind the first undecided"):
        dllm.decode(network, given, dllm.rule("threshold"), cache="block_causal")
