"""Reductions over the vocabulary, the only large axis that a step touches after the model.

A vocabulary is cut into rows of 128 lanes and reduced over the rows first, which every backend
does with its vector units (XLA's CPU backend runs a plain `argmax` or a sum of exponentials over
the last axis one element at a time, 4 to 10 times slower). What a rule does not read is never
computed: the compiler drops it.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

LANES = 128

Logits = Float[Array, "window vocab"]
Lanes = Float[Array, "window chunks 128"]

_NEGLIGIBLE = -1e4
"""Its exponential is 0 in float32, and unlike -inf it may be multiplied by 0."""


class Summary(NamedTuple):
    """What the scores need of a distribution, by position."""

    best: Int[Array, " window"]
    """The likeliest token, the lowest id on ties."""
    peak: Float[Array, " window"]
    """Its logit."""
    rest: Float[Array, " window"]
    """Sum of exp(logit - peak) over all other tokens."""
    gap: Float[Array, " window"]
    """Its logit minus the runner-up's."""
    entropy: Float[Array, " window"]
    """In nats."""

    @property
    def log_norm(self) -> Float[Array, " window"]:
        """Log of the normaliser over exp(peak): minus the likeliest token's log probability."""
        return jnp.log1p(self.rest)


def argmax(logits: Logits) -> Int[Array, " window"]:
    """The likeliest token; the lowest id on ties."""
    return _best(_lanes(logits))[0]


def summarise(logits: Logits) -> Summary:
    """The summary of each position's distribution.

    The likeliest token is kept out of the sums: log(1 + rest) stays exact where it is nearly
    certain, and so does the entropy.
    """
    lanes = _lanes(logits)
    best, peak = _best(lanes)
    below = lanes - peak[:, None, None]
    lane = jnp.arange(LANES)[None] == (best % LANES)[:, None]
    column = _column_without(lanes, best) - peak[:, None]
    weight = jnp.where(
        lane, jnp.sum(jnp.exp(column), axis=-1)[:, None], jnp.sum(jnp.exp(below), -2)
    )
    runner_up = jnp.where(lane, jnp.max(column, axis=-1)[:, None], jnp.max(below, axis=-2))
    rest = jnp.sum(weight, axis=-1)
    finite = jnp.maximum(below, _NEGLIGIBLE)
    spread = jnp.sum(jnp.sum(jnp.exp(finite) * finite, axis=-2), axis=-1)
    entropy = jnp.log1p(rest) - spread / (1 + rest)
    return Summary(best, peak, rest, -jnp.max(runner_up, axis=-1), entropy)


def _lanes(logits: Logits) -> Lanes:
    padding = -logits.shape[-1] % LANES
    padded = jnp.pad(logits, ((0, 0), (0, padding)), constant_values=-jnp.inf)
    return padded.reshape(logits.shape[0], -1, LANES)


def _best(lanes: Lanes) -> tuple[Int[Array, " window"], Float[Array, " window"]]:
    peaks = jnp.max(lanes, axis=-1)
    chunk = jnp.argmax(peaks, axis=-1)
    within = jnp.take_along_axis(lanes, chunk[:, None, None], axis=-2)[:, 0]
    best = chunk * LANES + jnp.argmax(within, axis=-1)
    return best.astype(jnp.int32), jnp.max(peaks, axis=-1)


def _column_without(lanes: Lanes, best: Int[Array, " window"]) -> Float[Array, "window chunks"]:
    """The lane of the likeliest token with that token taken out.

    Cut from the logits themselves: cut from a difference, it would make the compiler write all
    of the difference to memory.
    """
    column = jnp.take_along_axis(lanes, (best % LANES)[:, None, None], axis=-1)[..., 0]
    at = jnp.arange(column.shape[-1])[None] == (best // LANES)[:, None]
    return jnp.where(at, -jnp.inf, column)
