"""A folder's safetensors files into parameters, by one strict table of tensors."""

import json
import math
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np
from flax import nnx
from jax.sharding import Sharding

from dllm.models.config import CheckpointError
from dllm.models.int8 import is_quantised, quantise
from dllm.models.safetensors import Tensor, aligned, read, tensors
from dllm.models.table import Source, Table, shape_of, sources

INDEX = "model.safetensors.index.json"
_COMPARED = 2**22
"""Numbers that are held against each other at a time."""

Place = Callable[[str, tuple[int, ...]], Sharding]
"""Where a parameter lives, from its path and shape."""


def find_tensors(folder: Path) -> dict[str, Tensor]:
    """All tensors of a checkpoint by name, from its one file or its shards."""
    found = [tensor for path in _files(folder) for tensor in tensors(path)]
    doubled = sorted(name for name, count in Counter(t.name for t in found).items() if count > 1)
    if doubled:
        raise CheckpointError(f"{folder}: tensor {doubled[0]} is stored twice{_more(doubled)}")
    return {tensor.name: tensor for tensor in found}


def refuse_mismatch(
    table: Table, found: dict[str, Tensor], shapes: dict[str, tuple[int, ...]]
) -> None:
    """Raises unless names and shapes agree one to one."""
    missing = sorted(name for name, entry in table.items() if name not in found and not entry.copy)
    if missing:
        raise CheckpointError(f"checkpoint: tensor {missing[0]} is missing{_more(missing)}")
    unexpected = sorted(name for name in found if name not in table)
    if unexpected:
        raise CheckpointError(f"checkpoint: unexpected tensor {unexpected[0]}{_more(unexpected)}")
    for name, entry in table.items():
        expected = shape_of(entry, shapes)
        if name in found and found[name].shape != expected:
            raise CheckpointError(
                f"checkpoint: tensor {name} must have shape {expected} by config.json, "
                f"got {found[name].shape}"
            )


def refuse_other_copies(table: Table, found: dict[str, Tensor]) -> None:
    """Raises if a tensor that repeats another holds something else."""
    originals = {entry.paths: name for name, entry in table.items() if not entry.copy}
    for name, entry in table.items():
        if not entry.copy or name not in found:
            continue
        first = originals[entry.paths]
        step = max(1, _COMPARED // max(found[name].shape[-1], 1))
        for start in range(0, found[name].shape[0], step):
            rows = (slice(start, start + step),)
            copied, own = (read(found[each], np.float32, rows) for each in (name, first))
            if not np.array_equal(copied, own):
                raise CheckpointError(
                    f"checkpoint: tensor {name} must equal {first}, to which config.json ties it"
                )


def shapes_by_path(abstract: nnx.State) -> dict[str, tuple[int, ...]]:
    """The shape of every parameter."""
    return {_path(keys): tuple(leaf.shape) for keys, leaf in nnx.to_flat_state(abstract)}


def placed_state(abstract: nnx.State, place: Place) -> nnx.State:
    """An abstract state that also says where its parameters live."""
    placed = []
    for keys, variable in nnx.to_flat_state(abstract):
        shape = tuple(variable.shape)
        sharding = place(_path(keys), shape)
        leaf = jax.ShapeDtypeStruct(shape, variable.dtype, sharding=sharding)
        placed.append((keys, variable.replace(leaf)))
    return nnx.from_flat_state(placed)


def load_state(
    abstract: nnx.State,
    table: Table,
    found: dict[str, Tensor],
    place: Place,
    progress: Callable[[int, int], None] | None = None,
    *,
    int8: bool = False,
) -> nnx.State:
    """Parameters for an abstract state, in its dtypes, each read straight to its devices.

    `progress` is told (bytes read, bytes in all). With `int8` matrices of the layers are kept as
    `Quantised`, each as soon as it is read.
    """
    where = sources(table, _checked(table, found, abstract))
    total = sum(tensor.size for name, tensor in found.items() if not table[name].copy)
    done, loaded = 0, []
    for keys, variable in nnx.to_flat_state(abstract):
        path, shape = _path(keys), tuple(variable.shape)
        own = [(found[source.name], source) for source in where[path]]
        array = _to_devices(own, shape, variable.dtype, place(path, shape))
        kept = quantise(array) if int8 and is_quantised(path, array.ndim) else array
        loaded.append((keys, variable.replace(kept)))
        done += math.prod(shape) * own[0][0].dtype.itemsize
        if progress is not None:
            progress(done, total)
    return nnx.from_flat_state(loaded)


def _checked(
    table: Table, found: dict[str, Tensor], abstract: nnx.State
) -> dict[str, tuple[int, ...]]:
    """Shapes of all parameters, once the files have been held against them."""
    shapes = shapes_by_path(abstract)
    refuse_mismatch(table, found, shapes)
    refuse_other_copies(table, found)
    return shapes


def _to_devices(
    parts: list[tuple[Tensor, Source]], shape: tuple[int, ...], dtype: Any, sharding: Sharding
) -> jax.Array:
    """A parameter from the tensor that holds it, or from those of its experts."""

    def slices(index: tuple[slice, ...] | None) -> np.ndarray:
        index = (*(index or ()), *(slice(None),) * (len(shape) - len(index or ())))
        if len(shape) == len(parts[0][0].shape):
            return _rows(*parts[0], shape, dtype, index)
        chosen = parts[index[0]]
        first = _rows(*chosen[0], shape[1:], dtype, index[1:])
        out = aligned((len(chosen), *first.shape), dtype)
        out[0] = first
        for number, part in enumerate(chosen[1:], start=1):
            out[number] = _rows(*part, shape[1:], dtype, index[1:])
        return out

    # One parameter at a time: a copy under way holds its host memory.
    return jax.make_array_from_callback(shape, sharding, slices).block_until_ready()


def _rows(
    tensor: Tensor, source: Source, shape: tuple[int, ...], dtype: Any, index: tuple[slice, ...]
) -> np.ndarray:
    """A block of a parameter that begins somewhere in a tensor."""
    start, stop, _ = index[0].indices(shape[0])
    rows = slice(source.first + start, source.first + stop)
    return read(tensor, dtype, (rows, *index[1:]))


def _files(folder: Path) -> list[Path]:
    index = folder / INDEX
    if not index.is_file():
        single = folder / "model.safetensors"
        if not single.is_file():
            raise CheckpointError(f"{folder}: neither model.safetensors nor {INDEX} is there")
        return [single]
    try:
        names = sorted(set(json.loads(index.read_text("utf-8"))["weight_map"].values()))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(f"{index}: not an index of shards ({error!r})") from None
    for name in names:
        if Path(name).name != name or not (folder / name).is_file():
            raise CheckpointError(f"{folder}: {INDEX} names {name}, which is not there")
    return [folder / name for name in names]


def _path(keys: tuple[Any, ...]) -> str:
    return ".".join(map(str, keys))


def _more(names: list[str]) -> str:
    return f" (and {len(names) - 1} more)" if len(names) > 1 else ""
