"""Several processes that decode as one: a process a host, each the same program on the same input.

What the program does next may hang on nothing that processes could see differently. What only one
of them knows (the time, a folder) is asked of the first.
"""

import hashlib
import json
from collections.abc import Mapping
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import Sharding

PATIENCE = 30
"""Seconds that a process which ends waits for the others to end."""
ROOM = 2**14
"""Bytes that a process may say of itself."""


def join(
    coordinator: str | None = None, processes: int | None = None, process: int | None = None
) -> None:
    """Joins the other processes; before jax has looked for devices.

    On TPU slices, in Slurm and under Open MPI jax knows the arguments itself. Elsewhere they are
    the address of the first process (`host:port`), how many there are, and which this is, from 0.

    Raises:
        ValueError: the arguments are missing or senseless, or the others did not come.
    """
    if process is not None and processes is not None and not 0 <= process < processes:
        raise ValueError(f"hosts: process must be in [0, {processes - 1}], got {process}")
    if jax.distributed.is_initialized():
        return
    try:
        jax.distributed.initialize(
            coordinator, processes, process, shutdown_timeout_seconds=PATIENCE
        )
    except (ValueError, RuntimeError, TypeError) as error:
        raise ValueError(
            "hosts: must be told --coordinator, --processes and --process, or find a cluster by "
            f"itself, got {str(error).partition(chr(10))[0]}"
        ) from None


def several() -> bool:
    """Whether other processes take part."""
    return jax.distributed.is_initialized() and jax.process_count() > 1


def is_first() -> bool:
    """Whether this is the process that prints and writes; true where there is only one."""
    return not several() or jax.process_index() == 0


def agree(told: Mapping[str, str]) -> None:
    """Raises unless all processes tell the same: `told` says it by what it is called.

    Raises:
        ValueError: names the process, the thing, and what both have. All processes raise it.
    """
    if not several():
        return
    if jax.process_count() * jax.local_device_count() != jax.device_count():
        raise ValueError(
            f"hosts: each of {jax.process_count()} processes must have as many devices, "
            f"got {jax.local_device_count()} of {jax.device_count()} here"
        )
    listed = [json.loads(text) for text in _exchange(json.dumps(dict(told)))]
    for number, other in enumerate(listed[1:], 1):
        for name in {**listed[0], **other}:
            ours, theirs = listed[0].get(name), other.get(name)
            if ours != theirs:
                raise ValueError(
                    f"hosts: process {number} must have the {name} of process 0, {ours}, "
                    f"got {theirs}"
                )


def of_first(numbers: np.ndarray) -> np.ndarray:
    """What the first process has; of one shape everywhere."""
    return multihost_utils.broadcast_one_to_all(numbers) if several() else numbers


def fetch(tree: Any) -> Any:
    """Arrays on the host, of whatever devices; all processes fetch together."""
    if not several():
        return jax.device_get(tree)
    return jax.tree.map(_fetch, tree)


def put(tree: Any, shardings: Any) -> Any:
    """Arrays that every process has, on the devices of all."""
    if not several():
        return jax.device_put(tree, shardings)
    return jax.tree.map(_put, tree, shardings)


@cache
def versions() -> dict[str, str]:
    """Of what computes, this package's own with a digest of its code."""
    above = Path(__file__).parents[1]
    digest = hashlib.sha256()
    for path in sorted(p for name in ("dllm", "samplers") for p in (above / name).rglob("*.py")):
        digest.update(path.name.encode() + path.read_bytes())
    own = f"{metadata.version('dllm')} ({digest.hexdigest()[:12]})"
    return {"dllm": own, **{name: metadata.version(name) for name in ("jax", "jaxlib")}}


def _exchange(text: str) -> list[str]:
    """What every process says."""
    own = text.encode()
    if len(own) > ROOM:
        own = json.dumps({"digest": hashlib.sha256(own).hexdigest()}).encode()
    padded = np.frombuffer(own.ljust(ROOM), np.uint8)
    gathered = multihost_utils.process_allgather(padded)
    return [bytes(row).decode().rstrip() for row in np.asarray(gathered)]


def _put(leaf: Any, sharding: Sharding) -> jax.Array:
    if sharding.is_fully_addressable:
        return jax.device_put(leaf, sharding)
    if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):  # which jax moves on one host alone
        data = _put(jax.random.key_data(leaf), sharding)
        return jax.random.wrap_key_data(data, impl=jax.random.key_impl(leaf))
    if not getattr(leaf, "is_fully_addressable", True):
        return jax.device_put(leaf, sharding)
    here = np.asarray(leaf)
    return jax.make_array_from_callback(here.shape, sharding, lambda index: here[index])


def _fetch(leaf: Any) -> np.ndarray:
    if isinstance(leaf, jax.Array) and not leaf.is_fully_addressable:
        return np.asarray(multihost_utils.process_allgather(leaf, tiled=True))
    return np.asarray(jax.device_get(leaf))
