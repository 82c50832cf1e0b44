"""Tiny-A2D, full and in blocks."""

from pathlib import Path

import pytest

from tests.families.agree import assert_agrees
from tests.parity.shapes import QWEN

TINY = {
    "a2d_qwen3": {
        **QWEN,
        "architectures": ["A2DQwen3LMHeadModel"],
        "model_type": "a2d-qwen3",
        "head_dim": 16,
        "tie_word_embeddings": True,
    }
}


@pytest.mark.parametrize("block", [None, pytest.param(8, marks=pytest.mark.slow)])
def test_equals_numpy(tmp_path: Path, block: int | None) -> None:
    model = assert_agrees(tmp_path, TINY["a2d_qwen3"], causal_block=block)
    assert model.config.causal_block == block
