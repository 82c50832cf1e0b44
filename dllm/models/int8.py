"""Weights in int8, one scale an output channel: half the memory of bfloat16.

The matrices of the layers alone, experts included; embeddings, head, norms, biases and routers
stay as they are. They are widened where they are used, in the dtype of the rest.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, DTypeLike, Float, Int8

WIDEST = 127


class Quantised(NamedTuple):
    """A matrix, or a stack of them, as whole numbers times a scale a row."""

    values: Int8[Array, "*stack outputs inputs"]
    scale: Float[Array, "*stack outputs"]


def is_quantised(path: str, ndim: int) -> bool:
    """Whether a parameter is one of those kept in int8."""
    return path.startswith("layers.") and ndim > 1 and ".router." not in path


@jax.jit
def quantise(matrix: Float[Array, "*stack outputs inputs"]) -> Quantised:
    """The nearest whole numbers; each row's largest is 127. A row of zeros has the scale 1."""
    wide = matrix.astype(jnp.float32)
    most = jnp.max(jnp.abs(wide), axis=-1)
    scale = jnp.where(most > 0, most / WIDEST, 1.0)
    return Quantised(jnp.round(wide / scale[..., None]).astype(jnp.int8), scale)


def is_int8(state: nnx.State) -> bool:
    """Whether any parameter of a state is kept so."""
    leaves = jax.tree.leaves(state, is_leaf=_is_kept)
    return any(map(_is_kept, leaves))


def widened(state: nnx.State, dtype: DTypeLike) -> nnx.State:
    """A state in which every parameter is an array again."""

    def widen(value: Any) -> Any:
        if not _is_kept(value):
            return value
        return (value.values.astype(jnp.float32) * value.scale[..., None]).astype(dtype)

    return jax.tree.map(widen, state, is_leaf=_is_kept)


def _is_kept(leaf: Any) -> bool:
    return isinstance(leaf, Quantised)
