"""Where each parameter lives, and whether it fits there."""

from collections.abc import Callable, Mapping
from typing import Any

from jax.sharding import AbstractMesh, Mesh, NamedSharding, PartitionSpec, Sharding

from dllm.models.config import Config
from dllm.sharding.rules import bytes_per_device, spec

PARAMETERS: dict[str, tuple[str | None, ...]] = {
    "embedding": ("vocab", None),
    "output.weight": ("vocab", None),
    "attention.query.weight": ("heads", None),
    "attention.key.weight": ("kv_heads", None),
    "attention.value.weight": ("kv_heads", None),
    "attention.output.weight": (None, "heads"),
    "mlp.gate.weight": ("hidden", None),
    "mlp.up.weight": ("hidden", None),
    "mlp.down.weight": (None, "hidden"),
}
"""Logical axes of the parameters, `[out, in]`; norms are on every device whole."""


def placement(
    mesh: Mesh | AbstractMesh, config: Config
) -> Callable[[str, tuple[int, ...]], Sharding]:
    """Where a parameter lives, from its path and shape. Heads are never cut in two."""
    counts = {
        "vocab": config.vocab,
        "heads": config.heads,
        "kv_heads": config.kv_heads,
        "hidden": config.hidden,
    }

    def place(path: str, shape: tuple[int, ...]) -> Sharding:
        del shape
        axes = PARAMETERS.get(in_layer(path))
        if axes is None:
            return NamedSharding(mesh, PartitionSpec())
        return NamedSharding(mesh, spec(mesh, axes, [counts[axis] if axis else 1 for axis in axes]))

    return place


def refuse_misfit(
    place: Callable[[str, tuple[int, ...]], Sharding],
    shapes: Mapping[str, tuple[int, ...]],
    itemsize: int,
    memory: int | None,
) -> int:
    """Bytes of all parameters on one device.

    Raises:
        ValueError: they are more than its memory; names the first tensor that is too much.
    """
    held = 0
    for path, shape in shapes.items():
        own = bytes_per_device(place(path, shape), shape, itemsize)
        if memory is not None and held + own > memory:
            raise ValueError(
                f"sharding: {path} does not fit: it takes {_gib(own)} of each device, "
                f"where {_gib(held)} of {_gib(memory)} are taken by the parameters before it; "
                "cut the model over more devices"
            )
        held += own
    return held


def device_memory(device: Any) -> int | None:
    """Bytes that a device of jax can hold, where it says so."""
    stats = device.memory_stats()
    return None if stats is None else stats.get("bytes_limit")


def in_layer(path: str) -> str:
    """A parameter's path without the number of its layer."""
    return path.split(".", 2)[2] if path.startswith("layers.") else path


def _gib(size: int) -> str:
    return f"{size / 2**30:.2f} GiB"
