"""The transformer against `transformers`' Llama under a zero mask: the same arithmetic.

Needs the extra `parity`.
"""

from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from safetensors.numpy import load_file

import dllm
from tests import checkpoints

OPTIMISED = True
LENGTH = 40
NAMES = {
    "attn_norm": "input_layernorm",
    "q_proj": "self_attn.q_proj",
    "k_proj": "self_attn.k_proj",
    "v_proj": "self_attn.v_proj",
    "attn_out": "self_attn.o_proj",
    "ff_norm": "post_attention_layernorm",
    "ff_proj": "mlp.gate_proj",
    "up_proj": "mlp.up_proj",
    "ff_out": "mlp.down_proj",
}


@pytest.mark.parametrize(
    "changed",
    [{}, {"n_kv_heads": 2}, {"weight_tying": True}],
    ids=["parity-llama-multi-head", "parity-llama-grouped-query", "parity-llama-tied"],
)
def test_equals_llama_under_a_zero_mask(tmp_path: Path, changed: dict[str, Any]) -> None:
    folder = checkpoints.make(tmp_path / "model", **changed)
    ids = np.random.default_rng(0).integers(0, 320, size=(2, LENGTH))
    expected = _llama(checkpoints.small_config(**changed), load_file(folder / "model.safetensors"))(
        ids
    )
    network = dllm.load(folder).network
    found = network.logits(jnp.asarray(ids, jnp.int32), jnp.zeros(2, jnp.int32), LENGTH)
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-5)


def _llama(config: dict[str, Any], tensors: dict[str, np.ndarray]) -> Any:
    """Logits of `transformers`' Llama with these weights, every position seeing every other."""
    torch, transformers = (
        pytest.importorskip(name, reason="the extra `parity` is not installed")
        for name in ("torch", "transformers")
    )
    model = transformers.LlamaForCausalLM(
        transformers.LlamaConfig(
            hidden_size=config["d_model"],
            intermediate_size=config["mlp_hidden_size"],
            num_hidden_layers=config["n_layers"],
            num_attention_heads=config["n_heads"],
            num_key_value_heads=config["n_kv_heads"],
            vocab_size=config["embedding_size"],
            rms_norm_eps=config["rms_norm_eps"],
            rope_parameters={"rope_type": "default", "rope_theta": config["rope_theta"]},
            rope_theta=config["rope_theta"],
            tie_word_embeddings=config["weight_tying"],
            attn_implementation="eager",
        )
    )
    renamed = {_renamed(name): torch.from_numpy(tensor) for name, tensor in tensors.items()}
    missing, unexpected = model.load_state_dict(renamed, strict=False)
    assert not unexpected
    assert set(missing) <= ({"lm_head.weight"} if config["weight_tying"] else set())
    model.eval()

    def logits(ids: np.ndarray) -> np.ndarray:
        mask = torch.zeros(len(ids), 1, ids.shape[1], ids.shape[1])
        with torch.inference_mode():
            return model(torch.from_numpy(ids), attention_mask=mask).logits.numpy()

    return logits


def _renamed(name: str) -> str:
    """A tensor's name in Llama's checkpoints."""
    own = name.removeprefix("model.transformer.")
    whole = {"wte": "model.embed_tokens", "ln_f": "model.norm", "ff_out": "lm_head"}
    if not own.startswith("blocks."):
        return f"{whole[own.removesuffix('.weight')]}.weight"
    _, layer, part, _ = own.split(".")
    return f"model.layers.{layer}.{NAMES[part]}.weight"
