"""The presets are the public checkpoints: names, shapes and bytes of every tensor, none read."""

import itertools
import json
import math
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import pytest

from dllm.models.families import family_of
from dllm.models.network import abstract
from dllm.models.random import preset
from dllm.models.safetensors import Tensor
from dllm.models.table import shape_of
from dllm.models.weights import refuse_mismatch, shapes_by_path
from tests.shared import PARITY

PUBLIC = {
    "llada-8b": ("GSAI-ML/LLaDA-8B-Base", 291, 8015581184),
    "illada-8b": ("GSAI-ML/iLLaDA-8B", 291, 8250462208),
    "dream-7b": ("Dream-org/Dream-v0", 339, 7615616512),
    "llada-moe-7b": ("inclusionAI/LLaDA-MoE-7B-A1B", 3219, 7356880896),
    "llada2-mini": ("inclusionAI/LLaDA2.0-mini", 14813, 16255643392),
    "llada2-flash": ("inclusionAI/LLaDA2.0-flash", 24161, 102889705216),
    "sdar-1.7b": ("JetLM/SDAR-1.7B", 311, 2031739904),
    "sdar-4b": ("JetLM/SDAR-4B", 399, 4411424256),
    "sdar-8b": ("JetLM/SDAR-8B", 399, 8190735360),
    "fast-dllm-v2-7b": ("Efficient-Large-Model/Fast_dLLM_v2_7B", 339, 7615616512),
    "fast-dllm-v2-1.5b": ("Efficient-Large-Model/Fast_dLLM_v2_1.5B", 338, 1543714304),
    "wedlm-8b": ("tencent/WeDLM-8B", 399, 8190735360),
    "wedlm-7b": ("tencent/WeDLM-7B", 339, 7615616512),
}
"""Of each preset: the checkpoint, how many tensors it holds and how many numbers."""
QUICK = ("dream-7b", "llada2-mini", "fast-dllm-v2-1.5b")
STORES_COPIES = ("illada-8b",)
"""Checkpoints that store the tied head a second time."""


@pytest.mark.parametrize(
    "name",
    [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in PUBLIC],
)
def test_counts_of_public_checkpoints(name: str) -> None:
    """The abstract model: no memory is taken."""
    model, tensors, numbers = PUBLIC[name]
    family = family_of(raw := preset(name))
    config = family.read_config(raw)
    shapes = shapes_by_path(abstract(config, jnp.bfloat16)[1])
    table = family.key_table(config)
    copies = name in STORES_COPIES
    stored = [entry for entry in table.values() if copies or not entry.copy]
    assert len(stored) == tensors
    assert sum(math.prod(shape_of(entry, shapes)) for entry in stored) == numbers
    repeated = sum(math.prod(shape_of(entry, shapes)) for entry in stored if entry.copy)
    assert config.parameters == numbers - repeated
    if PARITY.is_dir():
        manifest = _manifest(model)
        found = {n: Tensor(n, Path(), jnp.dtype(jnp.bfloat16), s, 0) for n, s in manifest.items()}
        refuse_mismatch(table, found, shapes)
        assert len(found) == tensors
        assert sum(tensor.size for tensor in found.values()) == 2 * numbers


def _manifest(model: str) -> dict[str, tuple[int, ...]]:
    """Every tensor of a public checkpoint and its shape."""
    listed: dict[str, Any] = json.loads((PARITY / "manifests.json").read_text("utf-8"))
    entry = next(own for names, own in listed.items() if names.startswith(model))
    found = {}
    for pattern, shape in entry["patterns"].items():
        used = [letter for letter in entry["ranges"] if f"{{{letter}}}" in pattern]
        bounds = [entry["ranges"][letter] for letter in used]
        numbers = [range(*(b if isinstance(b, list) else [b])) for b in bounds]
        for chosen in itertools.product(*numbers):
            found[pattern.format(**dict(zip(used, chosen, strict=True)))] = tuple(shape)
    return found
