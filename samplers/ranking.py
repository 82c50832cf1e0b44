"""Small questions about one row that every rule asks: who is eligible, who ranks first."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Bool, Float, Int, PRNGKeyArray

from samplers.base import MASK, Canvas, Place, Prediction, Scalar

REACHES = ("block", "before")
"""How far a rule may write: in its block only, or anywhere before the block's end."""


def index(canvas: Canvas) -> Int[Array, " length"]:
    """The position numbers."""
    return jnp.arange(canvas.shape[0], dtype=jnp.int32)


def in_block(canvas: Canvas, place: Place) -> Bool[Array, " length"]:
    """The positions of the block being decoded."""
    at = index(canvas)
    return (at >= place.start) & (at < place.end)


def holes(canvas: Canvas, place: Place) -> Bool[Array, " length"]:
    """The undecided positions of the block."""
    return (canvas == MASK) & in_block(canvas, place)


def filled(canvas: Canvas, place: Place) -> Bool[Array, ""]:
    """Whether the block has no undecided position left."""
    return ~jnp.any(holes(canvas, place))


def eligible(
    canvas: Canvas, prediction: Prediction, place: Place, reach: str = "block"
) -> Bool[Array, " length"]:
    """The positions a step may write: undecided, seen by this forward, allowed, within reach."""
    near = in_block(canvas, place) if reach == "block" else index(canvas) < place.end
    return (canvas == MASK) & prediction.seen & prediction.allowed & near


def rank(
    scores: Float[Array, " length"], eligible: Bool[Array, " length"]
) -> Int[Array, " length"]:
    """Each position's place in descending order of score, eligible ones first; ties by index."""
    order = jnp.argsort(jnp.where(eligible, -scores, jnp.inf), stable=True)
    return jnp.argsort(order).astype(jnp.int32)


def reaches(scores: Float[Array, " length"], least: ArrayLike) -> Bool[Array, " length"]:
    """Where scores, as log probabilities, are at least this probability."""
    return scores >= jnp.log(jnp.asarray(least, scores.dtype))


def exceeds(scores: Float[Array, " length"], least: ArrayLike) -> Bool[Array, " length"]:
    """Where scores, as log probabilities, are more than this probability."""
    return scores > jnp.log(jnp.asarray(least, scores.dtype))


def count(mask: Bool[Array, " length"]) -> Scalar:
    """How many positions are set."""
    return jnp.sum(mask, dtype=jnp.int32)


def first(mask: Bool[Array, " length"]) -> Scalar:
    """The lowest position that is set; the length where none is."""
    length = mask.shape[0]
    return jnp.min(jnp.where(mask, jnp.arange(length, dtype=jnp.int32), length))


def write(canvas: Canvas, tokens: Int[Array, " length"], chosen: Bool[Array, " length"]) -> Canvas:
    """The canvas with `tokens` at the chosen positions."""
    return jnp.where(chosen, tokens.astype(canvas.dtype), canvas)


def uniform(key: PRNGKeyArray, length: int) -> Float[Array, " length"]:
    """One draw from [0, 1) a position, the same for a position whatever the padding after it."""
    keys = jax.vmap(lambda at: jax.random.fold_in(key, at))(jnp.arange(length))
    return jax.vmap(jax.random.uniform)(keys)
