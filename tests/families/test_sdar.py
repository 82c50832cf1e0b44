"""SDAR and TraDo, dense and with experts."""

from pathlib import Path

import pytest

from tests.families.agree import assert_agrees
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


@pytest.mark.parametrize("name", sorted(TINY))
def test_equals_numpy(tmp_path: Path, name: str) -> None:
    assert_agrees(tmp_path, TINY[name])
