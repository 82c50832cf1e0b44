"""Parameters as an orbax checkpoint: restored in the slices that each device needs.

A converted folder is a checkpoint's folder with `orbax/` in place of its safetensors files. Arrays
go by their parameter paths, cut into pieces along the axes that meshes cut.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jax
import numpy as np
from flax import nnx

from dllm.models.config import CheckpointError
from dllm.models.safetensors import Tensor
from dllm.models.weights import match, shapes_by_path

FOLDER = "orbax"
PIECE = 16 * 2**20
"""Bytes of a piece at most: what is read and unpacked at a time."""
_AT_ONCE = 8
"""GB on their way between files and devices."""


def is_converted(folder: Path) -> bool:
    """Whether a checkpoint's folder holds orbax' files.

    Raises:
        CheckpointError: it holds safetensors files too, which may be others.
    """
    there = (folder / FOLDER).is_dir()
    if there and any(folder.glob("*.safetensors")):
        raise CheckpointError(f"{folder}: must hold safetensors files or {FOLDER}/, got both")
    return there


def write(folder: Path, state: nnx.State, axes: dict[str, tuple[int, ...]]) -> None:
    """Writes parameters into `folder/orbax`; `axes` says which dimensions meshes cut."""
    import orbax.checkpoint as ocp  # slow to import, and seldom needed

    tree = {_path(keys): variable[...] for keys, variable in nnx.to_flat_state(state)}
    pieces = {
        path: ocp.SaveArgs(chunk_byte_size=PIECE, shard_axes=axes.get(path, ())) for path in tree
    }
    with quiet(), _checkpointer() as orbax:
        orbax.save((folder / FOLDER).absolute(), args=ocp.args.StandardSave(tree, pieces))


def tensors(folder: Path) -> dict[str, Tensor]:
    """What is stored, by parameter path, in the words of safetensors.

    Raises:
        CheckpointError: orbax cannot read it.
    """
    with _reading(folder), _checkpointer() as orbax:
        described = orbax.metadata((folder / FOLDER).absolute()).item_metadata
        if described is None:
            raise ValueError("its description is missing")
        stored: dict[str, Any] = dict(described.tree)
    return {
        path: Tensor(path, folder / FOLDER, np.dtype(array.dtype), tuple(array.shape), 0)
        for path, array in stored.items()
    }


def restore(folder: Path, placed: nnx.State, found: dict[str, Tensor]) -> nnx.State:
    """Parameters for an abstract state that says where they live, each device its slices alone.

    Raises:
        CheckpointError: other tensors are stored, or files are missing.
    """
    import orbax.checkpoint as ocp

    shapes = shapes_by_path(placed)
    match({path: path for path in shapes}, found, shapes)
    flat = nnx.to_flat_state(placed)
    wanted = {_path(keys): jax.tree.leaves(variable)[0] for keys, variable in flat}
    with _reading(folder), _checkpointer() as orbax:
        read = orbax.restore((folder / FOLDER).absolute(), args=ocp.args.StandardRestore(wanted))
        jax.block_until_ready(read)
    return nnx.from_flat_state(
        [(keys, variable.replace(read[_path(keys)])) for keys, variable in flat]
    )


@contextmanager
def _checkpointer() -> Iterator[Any]:
    import orbax.checkpoint as ocp

    orbax = ocp.Checkpointer(
        ocp.StandardCheckpointHandler(save_concurrent_gb=_AT_ONCE, restore_concurrent_gb=_AT_ONCE)
    )
    try:
        yield orbax
    finally:
        orbax.close()


@contextmanager
def _reading(folder: Path) -> Iterator[None]:
    """Whatever orbax and tensorstore raise is one sentence about the folder."""
    try:
        with quiet():
            yield
    except CheckpointError:
        raise
    except Exception as error:
        reason = str(error).strip().partition("\n")[0]
        raise CheckpointError(f"{folder / FOLDER}: not a whole checkpoint ({reason})") from None


@contextmanager
def quiet() -> Iterator[None]:
    """What goes wrong is said by one exception, not by a traceback a tensor as well."""
    logger = logging.getLogger("absl")
    before, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = before


def _path(keys: tuple[Any, ...]) -> str:
    return ".".join(map(str, keys))
