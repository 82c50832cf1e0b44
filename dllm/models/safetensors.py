"""Reading safetensors files slice by slice.

The `safetensors` package maps whole files, and mapped pages count as resident memory next to the
parameters they were copied into. Here every byte goes once, from the file into the array it is
meant for. Format: 8 bytes of header length, a JSON header, the data.
"""

import json
import math
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import ml_dtypes
import numpy as np

from dllm.models.config import CheckpointError

DTYPES: dict[str, Any] = {
    "F64": np.float64,
    "F32": np.float32,
    "F16": np.float16,
    "BF16": ml_dtypes.bfloat16,
}
_LENGTH = struct.Struct("<Q")
_PIECE = 16 * 2**20
"""Bytes held beside the array they are copied to, where they must change dtype or place."""


class Tensor(NamedTuple):
    """Where one tensor lies."""

    name: str
    path: Path
    dtype: np.dtype
    shape: tuple[int, ...]
    offset: int

    @property
    def size(self) -> int:
        """Bytes."""
        return self.dtype.itemsize * math.prod(self.shape)


def tensors(path: Path) -> list[Tensor]:
    """All tensors of a file, checked against its size."""
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(_LENGTH.size)
        length = _LENGTH.unpack(start)[0] if len(start) == _LENGTH.size else size
        if length > size - _LENGTH.size:
            raise CheckpointError(f"{path}: not a safetensors file, or its header is cut off")
        try:
            header = json.loads(file.read(length))
        except ValueError as error:
            raise CheckpointError(f"{path}: the safetensors header is not JSON ({error})") from None
    begin = _LENGTH.size + length
    return [
        _tensor(path, name, entry, begin, size)
        for name, entry in header.items()
        if name != "__metadata__"
    ]


def read(tensor: Tensor, dtype: Any = None, index: tuple[slice, ...] = ()) -> np.ndarray:
    """A tensor, or the block `index` of it, in `dtype` (left out: the file's)."""
    index = (*index, *(slice(None),) * (len(tensor.shape) - len(index)))
    bounds = [part.indices(size)[:2] for part, size in zip(index, tensor.shape, strict=True)]
    shape = tuple(stop - start for start, stop in bounds)
    out = aligned(shape, tensor.dtype if dtype is None else dtype)
    whole_rows = shape[1:] == tensor.shape[1:]
    with tensor.path.open("rb", buffering=0) as file:
        if whole_rows and out.dtype == tensor.dtype:
            first = bounds[0][0] if bounds else 0
            _fill(file, tensor, first, out)
        else:
            for rows, piece in _pieces(file, tensor, bounds[0]):
                out[rows] = piece[(slice(None), *index[1:])]
    return out


def _tensor(path: Path, name: str, entry: dict[str, Any], begin: int, size: int) -> Tensor:
    if entry["dtype"].startswith("F8"):
        raise CheckpointError(
            f"{path}: {name} has dtype {entry['dtype']}, and fp8 weights cannot be read; take the "
            "checkpoint in bfloat16"
        )
    if entry["dtype"] not in DTYPES:
        known = ", ".join(DTYPES)
        raise CheckpointError(f"{path}: {name} has dtype {entry['dtype']}, the known are {known}")
    dtype, shape = np.dtype(DTYPES[entry["dtype"]]), tuple(entry["shape"])
    first, last = entry["data_offsets"]
    if last - first != dtype.itemsize * math.prod(shape):
        raise CheckpointError(f"{path}: {name} has {last - first} bytes for shape {shape} {dtype}")
    if begin + last > size:
        raise CheckpointError(
            f"{path}: cut off: {name} ends at byte {begin + last}, the file has {size}"
        )
    return Tensor(name, path, dtype, shape, begin + first)


def _pieces(file: Any, tensor: Tensor, rows: tuple[int, int]) -> Iterator[tuple[slice, np.ndarray]]:
    """Whole rows of a tensor, a few at a time."""
    row = tensor.dtype.itemsize * math.prod(tensor.shape[1:])
    step = max(1, _PIECE // max(row, 1))
    for start in range(*rows, step):
        stop = min(start + step, rows[1])
        piece = np.empty((stop - start, *tensor.shape[1:]), tensor.dtype)
        _fill(file, tensor, start, piece)
        yield slice(start - rows[0], stop - rows[0]), piece


def _fill(file: Any, tensor: Tensor, first_row: int, out: np.ndarray) -> None:
    """Reads `out` full, from a row of the tensor on."""
    row = tensor.dtype.itemsize * math.prod(tensor.shape[1:])
    file.seek(tensor.offset + first_row * row)
    view = memoryview(out.reshape(-1).view(np.uint8).data)
    while view:
        count = file.readinto(view)
        if not count:
            raise CheckpointError(f"{tensor.path}: ended while {tensor.name} was read")
        view = view[count:]


def aligned(shape: tuple[int, ...], dtype: Any, to: int = 64) -> np.ndarray:
    """An empty array whose memory XLA's CPU backend can take over without a copy."""
    size = np.dtype(dtype).itemsize * math.prod(shape)
    memory = np.empty(size + to, np.uint8)
    shift = -memory.ctypes.data % to
    return memory[shift : shift + size].view(dtype).reshape(shape)
