"""LLaDA2.0 and 2.1."""

from pathlib import Path

import pytest

from tests.families.agree import assert_agrees
from tests.parity.shapes import QWEN

TINY = {
    "llada2": {
        **QWEN,
        "architectures": ["LLaDA2MoeModelLM"],
        "model_type": "llada2_moe",
        "first_k_dense_replace": 1,
        "head_dim": 16,
        "moe_intermediate_size": 16,
        "moe_router_enable_expert_bias": True,
        "n_group": 4,
        "norm_topk_prob": True,
        "num_experts": 16,
        "num_experts_per_tok": 4,
        "num_shared_experts": 1,
        "partial_rotary_factor": 0.5,
        "routed_scaling_factor": 2.5,
        "score_function": "sigmoid",
        "topk_group": 2,
        "use_qk_norm": True,
    }
}


@pytest.mark.parametrize("name", sorted(TINY))
def test_equals_numpy(tmp_path: Path, name: str) -> None:
    assert_agrees(tmp_path, TINY[name], causal_block=4)
