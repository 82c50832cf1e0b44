"""Reading files slice by slice."""

import json
import struct
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from safetensors.numpy import save_file

from dllm.models import safetensors
from dllm.models.config import CheckpointError
from dllm.models.safetensors import read, tensors


@pytest.fixture
def file(tmp_path: Path) -> Path:
    random = np.random.default_rng(0)
    path = tmp_path / "some.safetensors"
    arrays = {
        "matrix": random.normal(size=(40, 6)).astype(np.float32),
        "half": random.normal(size=(9, 4)).astype(ml_dtypes.bfloat16),
        "vector": np.arange(5, dtype=np.float32),
        "scalar": np.array(3, np.float32),
    }
    save_file(arrays, path, {"format": "np"})
    return path


def _by_name(path: Path) -> dict[str, safetensors.Tensor]:
    return {tensor.name: tensor for tensor in tensors(path)}


def test_reads_what_was_written(file: Path) -> None:
    found = _by_name(file)
    random = np.random.default_rng(0)
    np.testing.assert_array_equal(
        read(found["matrix"]), random.normal(size=(40, 6)).astype(np.float32)
    )
    half = random.normal(size=(9, 4)).astype(ml_dtypes.bfloat16)
    np.testing.assert_array_equal(read(found["half"]), half)
    assert read(found["vector"]).tolist() == [0, 1, 2, 3, 4]
    assert read(found["scalar"]) == 3
    assert found["half"].size == 72


@pytest.mark.parametrize("piece", [1, 100, 2**24])
@pytest.mark.parametrize(
    "index", [(slice(3, 30),), (slice(None), slice(1, 4)), (slice(5, 6), slice(2, 6)), ()]
)
def test_reads_blocks(
    file: Path, index: tuple[slice, ...], piece: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(safetensors, "_PIECE", piece)
    matrix = _by_name(file)["matrix"]
    np.testing.assert_array_equal(read(matrix, index=index), read(matrix)[index])
    half = read(matrix, np.dtype(ml_dtypes.bfloat16), index)
    np.testing.assert_array_equal(half, read(matrix)[index].astype(ml_dtypes.bfloat16))


def test_memory_is_aligned_for_the_device(file: Path) -> None:
    assert all(read(tensor).ctypes.data % 64 == 0 for tensor in tensors(file))


def _raw(header: Any, data: bytes = b"") -> bytes:
    text = json.dumps(header).encode() if not isinstance(header, bytes) else header
    return struct.pack("<Q", len(text)) + text + data


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not a safetensors file, or its header is cut off"),
        (b"abc", "not a safetensors file, or its header is cut off"),
        (struct.pack("<Q", 10**9) + b"{}", "not a safetensors file, or its header is cut off"),
        (_raw(b"no json"), "the safetensors header is not JSON"),
        (
            _raw({"x": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}}, b"\0" * 8),
            "cut off: x ends at byte",
        ),
        (
            _raw({"x": {"dtype": "F32", "shape": [4], "data_offsets": [0, 8]}}, b"\0" * 8),
            r"x has 8 bytes for shape \(4,\) float32",
        ),
        (
            _raw({"x": {"dtype": "I64", "shape": [1], "data_offsets": [0, 8]}}, b"\0" * 8),
            "x has dtype I64, the known are F64, F32, F16, BF16",
        ),
    ],
)
def test_refuses_broken_files(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "broken.safetensors"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=rf"broken.safetensors: {message}"):
        tensors(path)


def test_refuses_a_file_that_shrinks(file: Path) -> None:
    found = _by_name(file)["matrix"]
    file.write_bytes(file.read_bytes()[: found.offset + 8])
    with pytest.raises(CheckpointError, match="ended while matrix was read"):
        read(found)
