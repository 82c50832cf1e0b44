"""iLLaDA."""

from pathlib import Path

import pytest
from safetensors.numpy import load_file, save_file

import dllm
from tests.families.agree import assert_agrees
from tests.parity.make import write
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


def test_a_stored_copy_of_the_head_must_be_one(tmp_path: Path) -> None:
    """The public checkpoints store the tied head a second time."""
    file = write(tmp_path, TINY["illada"]) / "model.safetensors"
    tensors = load_file(file)
    head = tensors["model.embed_tokens.weight"].copy()
    save_file({**tensors, "lm_head.weight": head}, file)
    dllm.load(tmp_path)
    head[3, 4] += 1
    save_file({**tensors, "lm_head.weight": head}, file)
    message = "tensor lm_head.weight must equal model.embed_tokens.weight, to which config.json"
    with pytest.raises(dllm.CheckpointError, match=message):
        dllm.load(tmp_path)
