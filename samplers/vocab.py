"""Reductions over the vocabulary, the only large axis that a step touches after the model.

A vocabulary is cut into rows of 128 lanes and reduced over the rows first, which every backend
does with its vector units (XLA's CPU backend runs a plain `argmax` or a sum of exponentials over
the last axis one element at a time, 4 to 10 times slower). What a rule does not read is never
computed: the compiler drops it.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
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


def argmax(logits: Logits, shards: int = 1) -> Int[Array, " window"]:
    """The likeliest token; the lowest id on ties."""
    return _token(_best(_lanes(logits, shards))[0], logits.shape[-1], shards)


def total(values: Float[Array, "window vocab"]) -> Float[Array, " window"]:
    """The sum over the vocabulary."""
    padded = jnp.pad(values, ((0, 0), (0, -values.shape[-1] % LANES)))
    return _sum(padded.reshape(values.shape[0], -1, LANES))


def summarise(logits: Logits, shards: int = 1) -> Summary:
    """The summary of each position's distribution.

    The likeliest token is kept out of the sums: log(1 + rest) stays exact where it is nearly
    certain, and so does the entropy. A vocabulary that lies on devices in `shards` equal parts is
    cut into lanes part by part, so that each is reduced where it lies.
    """
    lanes = _lanes(logits, shards)
    best, peak = _best(lanes)
    others = _Others(lanes, _column_without(lanes, best), best % LANES)
    gap = peak - others.reduce(lambda logits: logits, jnp.max)
    rest = others.below(peak).reduce(jnp.exp, jnp.sum)
    # On CPUs sums lose their vector units if they are merged into one loop: a barrier between them,
    # and the second of the other sign, so that they have nothing in common.
    peak, rest = jax.lax.optimization_barrier((peak, rest))
    under = jnp.minimum(peak[:, None, None] - lanes, -_NEGLIGIBLE)  # 0 at the likeliest token
    spread = _sum(jnp.exp(-under) * under)
    token = _token(best, logits.shape[-1], shards)
    return Summary(token, peak, rest, gap, jnp.log1p(rest) + spread / (1 + rest))


class _Others(NamedTuple):
    """All tokens but the likeliest: the lanes, and its own lane again without it."""

    lanes: Lanes
    column: Float[Array, "window chunks"]
    lane: Int[Array, " window"]

    def below(self, peak: Float[Array, " window"]) -> "_Others":
        """How far the logits are below the peak."""
        lanes = jnp.maximum(self.lanes - peak[:, None, None], _NEGLIGIBLE)
        return _Others(lanes, jnp.maximum(self.column - peak[:, None], _NEGLIGIBLE), self.lane)

    def reduce(self, of: Callable, over: Callable) -> Float[Array, " window"]:
        """The sum or maximum of a function of the logits."""
        by_lane = over(of(self.lanes), axis=-2)
        own = jnp.arange(LANES)[None] == self.lane[:, None]
        return over(jnp.where(own, over(of(self.column), axis=-1)[:, None], by_lane), axis=-1)


def _lanes(logits: Logits, shards: int) -> Lanes:
    parts = logits.reshape(logits.shape[0], shards, -1)
    padding = -parts.shape[-1] % LANES
    padded = jnp.pad(parts, ((0, 0), (0, 0), (0, padding)), constant_values=-jnp.inf)
    return padded.reshape(logits.shape[0], -1, LANES)


def _sum(lanes: Lanes) -> Float[Array, " window"]:
    """Over the chunks, and only then over the lanes: one loop over both has no vector units."""
    return jax.lax.optimization_barrier(jnp.sum(lanes, axis=-2)).sum(axis=-1)


def _token(at: Int[Array, " window"], vocab: int, shards: int) -> Int[Array, " window"]:
    """The token at a place of the lanes, where every part of the vocabulary is padded."""
    padding = -(vocab // shards) % LANES
    return at - at // (vocab // shards + padding) * padding


def _best(lanes: Lanes) -> tuple[Int[Array, " window"], Float[Array, " window"]]:
    """Place of the largest logit in the lanes, and the logit."""
    # A barrier, or the peaks' own maximum is taken over all of the logits once more.
    peaks = jax.lax.optimization_barrier(jnp.max(lanes, axis=-1))
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
