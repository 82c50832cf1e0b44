"""Hierarchical decoding: every stretch of undecided positions is split at its surest one."""

from typing import ClassVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from samplers.base import Scalar, View
from samplers.pytree import part, require
from samplers.ranking import exceeds, rank
from samplers.values import Real


@part
class Hierarchy:
    """The best position of every run of eligible ones, if scored above `low_threshold`.

    Besides them everything scored above `threshold` (1: nothing), and always the best of all. Equal
    bests of a run are written together. dInfer, https://arxiv.org/abs/2510.08666.
    """

    budgeted: ClassVar[bool] = False
    reads: ClassVar[str] = "probabilities"
    threshold: Real = 1.0
    low_threshold: Real = 0.4

    def __post_init__(self) -> None:
        require("Hierarchy", "threshold", self.threshold, 0.0, 1.0)
        require("Hierarchy", "low_threshold", self.low_threshold, 0.0, 1.0)

    def __call__(
        self, view: View, scores: Float[Array, " length"], budget: Scalar
    ) -> Bool[Array, " length"]:
        del budget
        best = rank(scores, view.eligible) == 0
        tops = scores == best_of_run(scores, view.eligible)
        splits = tops & exceeds(scores, self.low_threshold)
        return best | splits | exceeds(scores, self.threshold)


def best_of_run(
    scores: Float[Array, " length"], eligible: Bool[Array, " length"]
) -> Float[Array, " length"]:
    """At each eligible position, the best score of the unbroken run that it is in."""
    begins = eligible & ~jnp.concatenate([jnp.zeros(1, bool), eligible[:-1]])
    run = jnp.where(eligible, jnp.cumsum(begins), 0)
    best = jax.ops.segment_max(
        jnp.where(eligible, scores, -jnp.inf), run, num_segments=scores.shape[0] + 1
    )
    return best[run]
