"""EB-sampler: as many tokens at once as their joint uncertainty allows.

Ben-Hamu et al. 2025, "Accelerated Sampling from Masked Diffusion Models via Entropy Bounded
Unmasking", https://arxiv.org/abs/2505.24857.
"""

from typing import ClassVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from samplers.base import Scalar, View
from samplers.pytree import part, require
from samplers.ranking import rank
from samplers.values import Real


@part
class EntropyBound:
    """The longest run of best positions with (sum of entropies - largest of them) <= `gamma`."""

    budgeted: ClassVar[bool] = False
    gamma: Real = 0.001

    def __post_init__(self) -> None:
        require("EntropyBound", "gamma", self.gamma, 0.0)

    def __call__(
        self, view: View, scores: Float[Array, " length"], budget: Scalar
    ) -> Bool[Array, " length"]:
        del budget
        ranks = rank(scores, view.eligible)
        entropies = by_rank(view, ranks)
        bound = jnp.cumsum(entropies) - jax.lax.cummax(entropies)
        return _within(bound, self.gamma, ranks)


@part
class EntropyBoundD2Cache:
    """`EntropyBound` as d2Cache ships it: each position is held to the entropies before its own.

    The same where the order is that of the entropies; by another score it lets more through.
    """

    budgeted: ClassVar[bool] = False
    gamma: Real = 0.001

    def __post_init__(self) -> None:
        require("EntropyBoundD2Cache", "gamma", self.gamma, 0.0)

    def __call__(
        self, view: View, scores: Float[Array, " length"], budget: Scalar
    ) -> Bool[Array, " length"]:
        del budget
        ranks = rank(scores, view.eligible)
        entropies = by_rank(view, ranks)
        before = jnp.concatenate([jnp.zeros(1), jnp.cumsum(entropies)[:-1]])
        return _within(before, self.gamma, ranks)


def by_rank(view: View, ranks: Array) -> Float[Array, " length"]:
    """The entropies of eligible positions from rank 0 on, then 0."""
    own = jnp.where(view.eligible, view.prediction.entropy, 0)
    return jnp.zeros_like(own).at[ranks].set(own)


def _within(bound: Array, gamma: Real, ranks: Array) -> Bool[Array, " length"]:
    passed = bound <= jnp.asarray(gamma, jnp.float32)
    return ranks < jnp.sum(jnp.cumprod(passed.at[0].set(True), dtype=jnp.int32))
