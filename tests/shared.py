"""The folder of recorded reference behaviour: optional, never needed by users."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

SHARED = Path(os.environ.get("DLLM_SHARED", Path(__file__).parents[1] / ".." / "shared")).resolve()
VECTORS, PARITY = SHARED / "vectors", SHARED / "parity"

needs_vectors = pytest.mark.skipif(
    not VECTORS.is_dir(), reason=f"recorded vectors are absent: no folder {VECTORS} (DLLM_SHARED)"
)


needs_parity = pytest.mark.skipif(
    not PARITY.is_dir(), reason=f"parity checkpoints are absent: no folder {PARITY} (DLLM_SHARED)"
)


def vector_cases(name: str) -> list[dict[str, Any]]:
    """The cases of one file of vectors, none where the folder is absent."""
    path = VECTORS / f"{name}.json"
    return json.loads(path.read_text())["cases"] if path.is_file() else []


def vector_arrays(name: str) -> dict[str, np.ndarray]:
    """The arrays of one npz file of vectors."""
    with np.load(VECTORS / name) as arrays:
        return dict(arrays)


def parity_folder(name: str) -> Path:
    """A tiny checkpoint with recorded outputs."""
    return PARITY / name


def parity_arrays(name: str, kind: str) -> dict[str, np.ndarray]:
    """What was recorded of it, nothing where the folder is absent."""
    path = PARITY / name / f"{kind}.npz"
    if not path.is_file():
        return {}
    with np.load(path) as arrays:
        return dict(arrays)
