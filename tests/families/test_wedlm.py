"""WeDLM from Qwen3 (norms on queries and keys) and from Qwen2.5 (biases)."""

from pathlib import Path

import pytest

from tests.families.agree import assert_agrees
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
