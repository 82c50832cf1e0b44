"""The tiny config.json files: each family's test has its own, in a dict `TINY`."""

import importlib
import pkgutil
from typing import Any

from tests import families

QWEN: dict[str, Any] = {
    "hidden_act": "silu",
    "hidden_size": 32,
    "intermediate_size": 48,
    "max_position_embeddings": 128,
    "num_attention_heads": 4,
    "num_hidden_layers": 2,
    "num_key_value_heads": 2,
    "rms_norm_eps": 1e-6,
    "rope_scaling": None,
    "rope_theta": 1000000.0,
    "tie_word_embeddings": False,
    "vocab_size": 96,
}
"""What the families that are Llama's kin have in common."""


def all_shapes() -> dict[str, dict[str, Any]]:
    """Every tiny config.json, by the name of its folder."""
    found: dict[str, dict[str, Any]] = {}
    for module in pkgutil.iter_modules(families.__path__, "tests.families."):
        found |= getattr(importlib.import_module(module.name), "TINY", {})
    return found
