"""Logical axes, and the one table that lays them on the axes of a mesh.

A dimension that its mesh axis does not divide is replicated: a vocabulary of odd length, or fewer
key and value heads than devices.
"""

import math
from collections.abc import Sequence
from typing import Any, TypeVar

import jax
from jax.sharding import AbstractMesh, Mesh, NamedSharding, PartitionSpec

from dllm import hosts

RULES: dict[str, str] = {
    "rows": "data",
    "vocab": "model",
    "heads": "model",
    "kv_heads": "model",
    "hidden": "model",
}
"""Mesh axis of each logical axis; an axis without a name is on every device whole."""

ROWS = ("rows",)
"""Whatever has rows first."""

MEMORY = ("rows", None, "kv_heads", None)
"""Kept keys and values."""

Tree = TypeVar("Tree")


def mesh_of(model: Any) -> Mesh | None:
    """The mesh that a model is cut over, if it is."""
    return getattr(model, "mesh", None)


def spec(
    mesh: Mesh | AbstractMesh, axes: Sequence[str | None], counts: Sequence[int]
) -> PartitionSpec:
    """How a dimension of each logical axis is cut; `counts` is what must divide evenly."""
    parts = [
        RULES[axis] if axis is not None and count % mesh.shape[RULES[axis]] == 0 else None
        for axis, count in zip(axes, counts, strict=True)
    ]
    return PartitionSpec(*parts)


def share(mesh: Mesh | None, tree: Tree, axes: Sequence[str | None]) -> Tree:
    """Within a program: arrays that begin with these logical axes are cut by the table.

    Dimensions behind those named are whole. Without a mesh nothing is said.
    """
    if mesh is None:
        return tree
    return jax.tree.map(
        lambda leaf: jax.lax.with_sharding_constraint(leaf, _sharding(mesh, leaf, axes)), tree
    )


def share_vocab(mesh: Mesh | None, logits: jax.Array) -> jax.Array:
    """Within a program: logits stay cut over the vocabulary, however the rest of them is cut."""
    if mesh is None or vocab_shards(mesh, logits.shape[-1]) == 1:
        return logits
    free = (PartitionSpec.UNCONSTRAINED,) * (logits.ndim - 1)
    cut = NamedSharding(mesh, PartitionSpec(*free, RULES["vocab"]))
    return jax.lax.with_sharding_constraint(logits, cut)


def vocab_shards(mesh: Mesh | None, vocab: int) -> int:
    """In how many equal parts the vocabulary lies on devices."""
    if mesh is None or spec(mesh, ("vocab",), (vocab,))[0] is None:
        return 1
    return mesh.shape[RULES["vocab"]]


def place_rows(mesh: Mesh | None, tree: Tree) -> Tree:
    """Arrays with rows first, each row on its devices."""
    if mesh is None:
        return tree
    return hosts.put(tree, jax.tree.map(lambda leaf: _sharding(mesh, leaf, ROWS), tree))


def place_whole(mesh: Mesh | None, tree: Tree) -> Tree:
    """Arrays that every device has whole."""
    if mesh is None:
        return tree
    whole = NamedSharding(mesh, PartitionSpec())
    return hosts.put(tree, jax.tree.map(lambda _: whole, tree))


def rows_shapes(mesh: Mesh, tree: Tree) -> Tree:
    """As `place_rows`, of shapes alone."""
    return jax.tree.map(
        lambda leaf: jax.ShapeDtypeStruct(
            leaf.shape, leaf.dtype, sharding=_sharding(mesh, leaf, ROWS)
        ),
        tree,
    )


def whole_batch(mesh: Mesh | None, batch: int) -> int:
    """As many rows or a few more, so that every device has as many."""
    return batch if mesh is None else batch + -batch % mesh.shape[RULES["rows"]]


def memory_sharding(mesh: Mesh | None, leaf: Any) -> NamedSharding | None:
    """Where kept keys and values live, `[rows, length, kv_heads, dim]`, or what is kept a row."""
    return None if mesh is None else _sharding(mesh, leaf, MEMORY[: leaf.ndim])


def bytes_per_device(sharding: jax.sharding.Sharding, shape: tuple[int, ...], itemsize: int) -> int:
    """What one device holds of an array."""
    return math.prod(sharding.shard_shape(shape)) * itemsize


def _sharding(mesh: Mesh, leaf: Any, axes: Sequence[str | None]) -> NamedSharding:
    return NamedSharding(mesh, spec(mesh, axes, leaf.shape[: len(axes)]))
