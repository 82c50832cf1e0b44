"""Checkpoints of random weights in any shape: for benchmarks, tests and trying things out."""

import json
import math
import zlib
from collections.abc import Callable, Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import tokenizers
from safetensors.numpy import save_file
from tokenizers import decoders, models, pre_tokenizers

from dllm.limits import at_least
from dllm.models import presets
from dllm.models.config import Config
from dllm.models.families import family_of
from dllm.models.network import abstract
from dllm.models.table import Table, shape_of
from dllm.models.weights import INDEX, shapes_by_path

SHARD = 2**31
"""Bytes of a file, the last tensor of it not counted."""

_DTYPES = {"float32": np.dtype(np.float32), "bfloat16": np.dtype(ml_dtypes.bfloat16)}


def preset_names() -> list[str]:
    """The shapes that ship with the package."""
    return sorted(path.name[: -len(".json")] for path in _files() if path.name.endswith(".json"))


def preset(name: str) -> dict[str, Any]:
    """A preset's config.json.

    Raises:
        ValueError: no preset has this name.
    """
    if name not in preset_names():
        raise ValueError(f"preset: must be one of {', '.join(preset_names())}, got {name!r}")
    return json.loads((resources.files(presets) / f"{name}.json").read_text("utf-8"))


def init_random(
    folder: str | Path,
    raw: dict[str, Any],
    *,
    dtype: str = "bfloat16",
    seed: int = 0,
    shard: int = SHARD,
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Writes a checkpoint with a config.json's shape, random weights and a byte tokenizer.

    Matrices are normal with variance 1 / fan-in, norms are 1 and biases 0. A tensor depends on
    the seed and its name alone. `progress` is told (bytes written, bytes in all).

    Raises:
        ValueError: an unknown dtype, a seed below 0, or a folder that already holds something.
    """
    at_least("init-random: seed", seed, 0)
    if dtype not in _DTYPES:
        raise ValueError(f"init-random: dtype must be one of {', '.join(_DTYPES)}, got {dtype!r}")
    folder = Path(folder)
    if folder.exists() and any(folder.iterdir()):
        raise ValueError(f"init-random: {folder} must be empty or not exist")
    family = family_of(raw)
    config = family.read_config(raw)
    folder.mkdir(parents=True, exist_ok=True)
    specials = family.read_specials(raw)
    tokenizer = byte_tokenizer({"<|mdm_mask|>": specials.mask, "<|endoftext|>": specials.eos})
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "config.json").write_text(json.dumps(raw, indent=1) + "\n", "utf-8")
    table = family.key_table(config)
    _write(folder, _tensors(config, table, _DTYPES[dtype], seed), config, dtype, shard, progress)
    return folder


def byte_tokenizer(specials: dict[str, int | None]) -> tokenizers.Tokenizer:
    """A tokenizer whose ids 0 to 255 are bytes, with special tokens at ids of their own."""
    named = {text: number for text, number in specials.items() if number is not None}
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    made = tokenizers.Tokenizer(
        models.BPE({**{char: i for i, char in enumerate(alphabet)}, **named}, [])
    )
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    made.decoder = decoders.ByteLevel()
    made.add_special_tokens(list(named))
    return made


def _files() -> list[Any]:
    return list(resources.files(presets).iterdir())


def _tensors(
    config: Config, table: Table, dtype: np.dtype, seed: int
) -> Iterator[tuple[str, np.ndarray]]:
    shapes = shapes_by_path(abstract(config, dtype)[1])
    for name, entry in table.items():
        if entry.copy:
            continue
        path, shape = entry.paths[0], shape_of(entry, shapes)
        if len(shape) == 1:
            yield name, np.full(shape, 0 if path.endswith(".bias") else 1, dtype)
            continue
        random = np.random.default_rng([seed, zlib.crc32(name.encode())])
        spread = 1.0 if path == "embedding" and not config.tied else 1 / math.sqrt(shape[-1])
        # Row by row, so that the float32 draws of a large tensor are never all there at once.
        tensor = np.empty(shape, dtype)
        for start in range(0, shape[0], 1024):
            part = tensor[start : start + 1024]
            part[:] = (spread * random.standard_normal(part.shape, np.float32)).astype(dtype)
        yield name, tensor


def _write(
    folder: Path,
    tensors: Iterator[tuple[str, np.ndarray]],
    config: Config,
    dtype: str,
    shard: int,
    progress: Callable[[int, int], None] | None,
) -> None:
    total = config.parameters * _DTYPES[dtype].itemsize
    held: dict[str, np.ndarray] = {}
    shards: list[list[str]] = []
    written = 0

    def flush() -> None:
        save_file(held, folder / f"part-{len(shards)}.tmp", {"format": "np"})
        shards.append(list(held))
        held.clear()

    for name, tensor in tensors:
        held[name] = tensor
        written += tensor.nbytes
        if sum(part.nbytes for part in held.values()) >= shard:
            flush()
        if progress is not None:
            progress(written, total)
    if held:
        flush()
    _name_shards(folder, shards, total)


def _name_shards(folder: Path, shards: list[list[str]], total: int) -> None:
    """Gives files the names of the hub's layout once their number is known."""
    files = (
        ["model.safetensors"]
        if len(shards) == 1
        else [f"model-{i + 1:05}-of-{len(shards):05}.safetensors" for i in range(len(shards))]
    )
    for number, file in enumerate(files):
        (folder / f"part-{number}.tmp").rename(folder / file)
    if len(shards) > 1:
        weight_map = {
            name: file for file, names in zip(files, shards, strict=True) for name in names
        }
        index = {"metadata": {"total_size": total}, "weight_map": weight_map}
        (folder / INDEX).write_text(json.dumps(index, indent=1) + "\n", "utf-8")
