"""iLLaDA."""

from pathlib import Path

import pytest

from tests.families.agree import assert_agrees
from tests.parity.shapes import QWEN

TINY = {
    "illada": {
        **QWEN,
        "architectures": ["ILLaDAForCausalLM"],
        "model_type": "illada",
        "layer_norm_eps": None,
        "tie_word_embeddings": True,
    }
}


@pytest.mark.parametrize("name", sorted(TINY))
def test_equals_numpy(tmp_path: Path, name: str) -> None:
    assert_agrees(tmp_path, TINY[name])
