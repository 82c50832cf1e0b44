"""SDAR and TraDo, dense and with experts."""

from pathlib import Path

import pytest

import dllm
from dllm.requests import answer_layouts
from tests.families.agree import assert_agrees, assert_same_over_a_cache
from tests.parity.make import write
from tests.parity.shapes import QWEN

TINY = {
    "sdar": {
        **QWEN,
        "architectures": ["SDARForCausalLM"],
        "model_type": "sdar",
        "block_size": 4,
        "head_dim": 16,
        "mask_token_id": 90,
    },
    "sdar_moe": {
        **QWEN,
        "architectures": ["SDARMoeForCausalLM"],
        "model_type": "sdar_moe",
        "block_size": 4,
        "head_dim": 8,
        "mask_token_id": 90,
        "moe_intermediate_size": 16,
        "norm_topk_prob": True,
        "num_experts": 8,
        "num_experts_per_tok": 2,
    },
}


@pytest.mark.parametrize("name", [pytest.param("sdar", marks=pytest.mark.slow), "sdar_moe"])
def test_equals_numpy(tmp_path: Path, name: str) -> None:
    assert_agrees(tmp_path, TINY[name])


@pytest.mark.slow
def test_a_cache_changes_no_token(tmp_path: Path) -> None:
    model = dllm.load(write(tmp_path, TINY["sdar"]))
    assert_same_over_a_cache(model, 4)


def test_answers_keep_to_the_models_blocks(tmp_path: Path) -> None:
    """Blocks are counted from the first position; what fills up the last is not answered."""
    model = dllm.load(write(tmp_path, TINY["sdar"]))
    layout = answer_layouts(model, [[1, 2, 3, 4, 5, 6]], 5, None, 0, None)[0]
    assert layout.blocks == [(4, 8), (8, 12)]
    assert (len(layout.ids), layout.stop) == (12, 11)
