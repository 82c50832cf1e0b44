"""Writes a tiny checkpoint: random weights under the family's real tensor names, and its logits."""

import json
import zlib
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
from safetensors.numpy import load_file, save_file

from dllm.models.config import Config
from dllm.models.families import family_of
from dllm.models.network import abstract
from dllm.models.table import shape_of
from dllm.models.weights import shapes_by_path
from tests.reference import families as reference

LENGTH = 16


def write(folder: Path, raw: dict[str, Any], seed: int = 0) -> Path:
    """A checkpoint in float32 with a config.json's shape. A tensor depends on seed and name alone.

    Matrices have variance 1 / fan-in, norms are 1 + 0.2 z, biases 0.2 z, those of experts 0.1 z.
    """
    folder.mkdir(parents=True, exist_ok=True)
    family = family_of(raw)
    config = family.read_config(raw)
    shapes = shapes_by_path(abstract(config, jnp.float32)[1])
    tensors = {
        name: _tensor(name, entry.paths[0], shape_of(entry, shapes), config, seed)
        for name, entry in family.key_table(config).items()
        if not entry.copy
    }
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    (folder / "config.json").write_text(json.dumps(raw, indent=1) + "\n", "utf-8")
    return folder


def record(folder: Path, seed: int = 0) -> None:
    """Adds `inputs_outputs.npz`: ids, a quarter of them masks, and their logits by NumPy."""
    raw = json.loads((folder / "config.json").read_text("utf-8"))
    family = family_of(raw)
    config, mask = family.read_config(raw), family.read_specials(raw).mask
    ids = random_ids(config.vocab, mask, seed)
    tensors = load_file(folder / "model.safetensors")
    sees = [attention(config, row == mask) for row in ids]
    logits = [reference.logits(tensors, raw, *pair) for pair in zip(ids, sees, strict=True)]
    np.savez(
        folder / "inputs_outputs.npz",
        **{"numpy/input_ids": ids, "numpy/logits": np.stack(logits).astype(np.float32)},
    )


def random_ids(vocab: int, mask: int, seed: int = 0) -> np.ndarray:
    """Two rows `[2, LENGTH]` of ids."""
    random = np.random.default_rng(seed)
    ids = random.integers(0, vocab, (2, LENGTH)).astype(np.int32)
    return np.where(random.random(ids.shape) < 0.25, mask, ids).astype(np.int32)


def attention(config: Config, undecided: np.ndarray) -> np.ndarray:
    """What each position of a row (first axis) attends to."""
    if config.reordered:
        return reference.reordered(undecided)
    return reference.blocks(len(undecided), config.causal_block)


def _tensor(name: str, path: str, shape: tuple[int, ...], config: Config, seed: int) -> np.ndarray:
    drawn = np.random.default_rng([seed, zlib.crc32(name.encode())]).standard_normal(shape)
    if path.endswith("router.bias"):
        made = 0.1 * drawn
    elif path.endswith(".bias"):
        made = 0.2 * drawn
    elif len(shape) == 1:
        made = 1 + 0.2 * drawn
    else:
        own = path == "embedding"
        made = drawn * (0.5 if own and config.tied else 1.0 if own else shape[-1] ** -0.5)
    return made.astype(np.float32)
