"""Fast-dLLM v2, with a head of its own and without."""

from pathlib import Path

import pytest

import dllm
from tests.families.agree import assert_agrees, assert_same_over_a_cache
from tests.parity.make import write
from tests.parity.shapes import QWEN

_OWN = {
    **QWEN,
    "architectures": ["Fast_dLLM_QwenForCausalLM"],
    "model_type": "Fast_dLLM_Qwen",
    "bd_size": 8,
}
TINY = {"fast_dllm_v2": _OWN, "fast_dllm_v2_tied": {**_OWN, "tie_word_embeddings": True}}


@pytest.mark.parametrize(
    "name", [pytest.param("fast_dllm_v2", marks=pytest.mark.slow), "fast_dllm_v2_tied"]
)
def test_equals_numpy(tmp_path: Path, name: str) -> None:
    assert_agrees(tmp_path, TINY[name])


def test_a_cache_changes_no_token(tmp_path: Path) -> None:
    model = dllm.load(write(tmp_path, TINY["fast_dllm_v2_tied"]))
    assert_same_over_a_cache(model, 8)
