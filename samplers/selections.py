"""Selections: which of the eligible positions a step writes, from their scores and a budget.

Thresholds are probabilities, as published; scores are their logarithms. What `budgeted` and `reads`
say of a selection: `samplers.base.Select`.
"""

from typing import ClassVar, Final

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Bool, Float

from samplers.base import Scalar, View
from samplers.budgets import Dream
from samplers.pytree import part, require, static
from samplers.ranking import count, rank, reaches
from samplers.scores import draw
from samplers.values import Real

_LASTS: Final = ("bound", "free", "waits")


@part
class TopK:
    """The best positions, as many as the budget says; ties to the lowest index."""

    def __call__(
        self, view: View, scores: Float[Array, " length"], budget: Scalar
    ) -> Bool[Array, " length"]:
        return rank(scores, view.eligible) < budget


@part
class Threshold:
    """Every position scored at least `threshold`, and always the best (Fast-dLLM)."""

    budgeted: ClassVar[bool] = False
    reads: ClassVar[str] = "probabilities"
    threshold: Real = 0.9

    def __post_init__(self) -> None:
        require("Threshold", "threshold", self.threshold, 0.0, 1.0)

    def __call__(
        self, view: View, scores: Float[Array, " length"], budget: Scalar
    ) -> Bool[Array, " length"]:
        del budget
        return reaches(scores, self.threshold) | (rank(scores, view.eligible) == 0)


@part
class Factor:
    """The longest run of best positions in which the j-th (from 0) has c >= 1 - factor / (j + 2).

    The parallel-decoding bound of Fast-dLLM: n tokens of confidence c are written together while
    (n + 1)(1 - c) <= factor. The best position is always written. `last="bound"` holds the last
    eligible position to the bound like all others. As dInfer and ParallelBench ship it (`"free"`)
    it is written with those before it, whatever its score; as d2Cache does (`"waits"`) it is not
    written while there are others.
    """

    budgeted: ClassVar[bool] = False
    reads: ClassVar[str] = "probabilities"
    factor: Real = 1.0
    last: str = static(default="bound")

    def __post_init__(self) -> None:
        require("Factor", "factor", self.factor, 0.0)
        if self.last not in _LASTS:
            raise ValueError(f"Factor: last must be one of {_LASTS}, got {self.last!r}")

    def __call__(
        self, view: View, scores: Float[Array, " length"], budget: Scalar
    ) -> Bool[Array, " length"]:
        del budget
        ranks = rank(scores, view.eligible)
        passes = leading_passes(self.factor, scores, ranks, view.eligible)
        total = count(view.eligible)
        if self.last == "free":
            passes = jnp.where(passes == total - 1, total, passes)
        elif self.last == "waits":
            passes = jnp.maximum(jnp.minimum(passes, total - 1), 1)
        return ranks < passes


@part
class Bernoulli:
    """Every position by itself, with the schedule's share as its probability (Dream `origin`)."""

    reads: ClassVar[str] = "nothing"
    schedule: Dream
    draws: ArrayLike | None = None
    """Recorded draws `[steps, length]` to replay instead of fresh ones."""

    def __call__(
        self, view: View, scores: Float[Array, " length"], budget: Scalar
    ) -> Bool[Array, " length"]:
        del scores, budget
        return draw(self.draws, view) < self.schedule.share(view)


def leading_passes(
    factor: ArrayLike,
    scores: Float[Array, " length"],
    ranks: Array,
    eligible: Bool[Array, " length"],
) -> Scalar:
    """How many positions, best first, pass the factor bound before one fails; at least 1."""
    slack = jnp.asarray(factor, scores.dtype) / (ranks + 2).astype(scores.dtype)
    bound = jnp.log1p(-jnp.minimum(slack, 1))
    fails = eligible & (scores < bound) & (ranks > 0)
    first_failure = jnp.min(jnp.where(fails, ranks, ranks.shape[0]))
    return jnp.minimum(first_failure, count(eligible))
