"""Tiny random checkpoints."""

from pathlib import Path
from typing import Any

from dllm.models.random import init_random, preset

SMALL: dict[str, Any] = {
    "n_layers": 2,
    "d_model": 32,
    "n_heads": 4,
    "n_kv_heads": 4,
    "mlp_hidden_size": 48,
    "max_sequence_length": 128,
    "vocab_size": 320,
    "embedding_size": 320,
    "mask_token_id": 300,
    "eos_token_id": 301,
    "pad_token_id": 301,
}


def small_config(**changed: Any) -> dict[str, Any]:
    """A config.json of a very small LLaDA."""
    return {**preset("llada-1m"), **SMALL, **changed}


def make(folder: Path, *, dtype: str = "float32", shard: int = 2**31, **changed: Any) -> Path:
    """Writes a small checkpoint."""
    return init_random(folder, small_config(**changed), dtype=dtype, shard=shard)
