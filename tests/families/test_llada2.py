"""LLaDA2.0 and 2.1."""

from pathlib import Path

import pytest
from safetensors.numpy import load_file, save_file

import dllm
from tests.families.agree import assert_agrees
from tests.parity.make import write
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


def test_a_missing_expert_is_named(tmp_path: Path) -> None:
    file = write(tmp_path, TINY["llada2"]) / "model.safetensors"
    tensors = load_file(file)
    for name in ("gate_proj", "up_proj", "down_proj"):
        del tensors[f"model.layers.1.mlp.experts.7.{name}.weight"]
    save_file(tensors, file)
    message = r"tensor model.layers.1.mlp.experts.7.down_proj.weight is missing \(and 2 more\)$"
    with pytest.raises(dllm.CheckpointError, match=message):
        dllm.load(tmp_path)
