"""LLaDA-MoE, with and without a bias an expert, shared experts and dense layers."""

from pathlib import Path

import pytest

from tests.families.agree import assert_agrees
from tests.parity.shapes import QWEN

_OWN = {
    **QWEN,
    "architectures": ["LLaDAMoEModelLM"],
    "model_type": "llada",
    "expert_intermediate_size": 16,
    "moe_layer_freq": [1, 1],
    "num_experts": 8,
    "num_experts_per_tok": 2,
    "num_key_value_heads": 4,
}
TINY = {
    "llada_moe": _OWN,
    "llada_moe_shared": {
        **_OWN,
        "dense_intermediate_size": 48,
        "moe_layer_freq": [0, 1],
        "moe_router_enable_expert_bias": True,
        "shared_expert_intermediate_size": 24,
    },
}


@pytest.mark.parametrize(
    "name", [pytest.param("llada_moe", marks=pytest.mark.slow), "llada_moe_shared"]
)
def test_equals_numpy(tmp_path: Path, name: str) -> None:
    assert_agrees(tmp_path, TINY[name])
