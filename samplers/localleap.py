"""LocalLeap: what stands near a sure position is trusted sooner."""

from typing import ClassVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Bool, Float

from samplers.base import Scalar, View
from samplers.pytree import part, require
from samplers.ranking import rank, reaches
from samplers.values import Real, Whole

_FAR = 2**30


@part
class LocalLeap:
    """Every position scored at least `threshold`; near one of these, `relaxed_threshold` is enough.

    Positions that reach `threshold` are anchors, those within `radius` of one are near, also across
    the border of a block. What is written for being near is no anchor. The best position is always
    written. Kong et al. 2025, https://arxiv.org/abs/2510.07081.
    """

    budgeted: ClassVar[bool] = False
    reads: ClassVar[str] = "probabilities"
    threshold: Real = 0.9
    relaxed_threshold: Real = 0.75
    radius: Whole = 4

    def __post_init__(self) -> None:
        require("LocalLeap", "threshold", self.threshold, 0.0, 1.0)
        require("LocalLeap", "relaxed_threshold", self.relaxed_threshold, 0.0, 1.0)
        require("LocalLeap", "radius", self.radius, 0)

    def __call__(
        self, view: View, scores: Float[Array, " length"], budget: Scalar
    ) -> Bool[Array, " length"]:
        del budget
        sure, relaxed = reaches(scores, self.threshold), reaches(scores, self.relaxed_threshold)
        leaps = relaxed & near(sure & view.eligible, self.radius)
        return sure | leaps | (rank(scores, view.eligible) == 0)


def near(anchors: Bool[Array, " length"], radius: ArrayLike) -> Bool[Array, " length"]:
    """The positions at most `radius` away from an anchor."""
    at = jnp.arange(anchors.shape[0], dtype=jnp.int32)
    before = jax.lax.cummax(jnp.where(anchors, at, -_FAR))
    behind = jax.lax.cummin(jnp.where(anchors, at, _FAR), reverse=True)
    return jnp.minimum(at - before, behind - at) <= jnp.asarray(radius, jnp.int32)
