"""WINO: many tokens are let in, and those that hindsight doubts are sent out again.

Hong et al. 2025, "Wide-In, Narrow-Out: Revokable Decoding for Efficient and Effective DLLMs",
https://arxiv.org/abs/2507.18578. Hindsight is what the model says in the same forward of a token
that it cannot see, while it sees all others (`dllm.Reviewing`).
"""

from typing import ClassVar, Final, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from samplers.base import MASK, Canvas, Scalar, View
from samplers.pytree import part, require, static
from samplers.ranking import count, exceeds, holes, in_block, rank, reaches
from samplers.values import Real

_FEWEST, _MOST = 5, 20
_LIMITS: Final = ("step", "last")
_FIRST_LIMIT: Final = 30
"""What the published code takes for the tokens of the step before a block's first."""


@part
class WideIn:
    """Every position surer than `threshold`, the best only if they are too many, at least one.

    Too many are more than seven tenths of the block's holes, within [5, 20]. `exact` lets in what
    is exactly as sure as the threshold, too.
    """

    budgeted: ClassVar[bool] = False
    reads: ClassVar[str] = "probabilities"
    threshold: Real = 0.6
    exact: bool = static(default=False)

    def __post_init__(self) -> None:
        require("WideIn", "threshold", self.threshold, 0.0, 1.0)

    def __call__(
        self, view: View, scores: Float[Array, " length"], budget: Scalar
    ) -> Bool[Array, " length"]:
        del budget
        ranks = rank(scores, view.eligible)
        most = jnp.clip(7 * count(holes(view.canvas, view.place)) // 10, _FEWEST, _MOST)
        sure = (reaches if self.exact else exceeds)(scores, self.threshold)
        return (sure & (ranks < most)) | (ranks == 0)


class Accepted(NamedTuple):
    """What is remembered of a row."""

    written: Bool[Array, " length"]
    """By a rule; what was on the canvas from the start is no business of this one."""
    last: Scalar
    """How many tokens the step before wrote."""


@part
class NarrowOut:
    """Takes back tokens of the block whose hindsight is less than `threshold_back`, worst first.

    A token that this step has written is not judged yet. Fewer are taken back than were written:
    by `limit="step"` in this step; by `"last"`, as published, in the step before, and none where
    this step has written a single one.
    """

    needs = frozenset({"hindsight"})
    threshold_back: Real = 0.9
    limit: str = static(default="last")

    def __post_init__(self) -> None:
        require("NarrowOut", "threshold_back", self.threshold_back, 0.0, 1.0)
        if self.limit not in _LIMITS:
            raise ValueError(f"NarrowOut: limit must be one of {_LIMITS}, got {self.limit!r}")

    def init(self, canvas: Canvas) -> Accepted:
        return Accepted(jnp.zeros(canvas.shape, bool), jnp.int32(0))

    def __call__(self, memory: Accepted, view: View, canvas: Canvas) -> tuple[Canvas, Accepted]:
        hindsight = view.prediction.log_hindsight
        assert hindsight is not None, "NarrowOut says that it needs hindsight"
        fresh = (canvas >= 0) & (view.canvas == MASK)
        accepted = count(fresh)
        judged = memory.written & (canvas >= 0) & ~fresh & in_block(canvas, view.place)
        doubtful = judged & ~reaches(hindsight, self.threshold_back)
        out = doubtful & (rank(-hindsight, doubtful) < self._most(memory, view, accepted))
        written = (memory.written | fresh) & ~out
        return jnp.where(out, MASK, canvas), Accepted(written, accepted)

    def _most(self, memory: Accepted, view: View, accepted: Scalar) -> Scalar:
        if self.limit == "step":
            return accepted - 1
        last = jnp.where(view.place.step == 0, _FIRST_LIMIT, memory.last)
        return jnp.where(accepted > 1, last - 1, 0)
