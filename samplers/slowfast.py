"""SlowFast: looks a few steps how far the sure stretch reaches, then fills it quickly.

Wei et al. 2025, "Accelerating Diffusion Large Language Models with SlowFast Sampling: The Three
Golden Principles", https://arxiv.org/abs/2506.10848.
"""

from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from samplers.base import Canvas, Scalar, View
from samplers.pytree import part, require
from samplers.ranking import count, index, rank, reaches
from samplers.values import Real, Whole


class Cycle(NamedTuple):
    """Where a row stands in its block: the stretch `[begin, end)`, and what is known of its end."""

    begin: Scalar
    end: Scalar
    """The last estimate; what the fast phase fills up to."""
    looked: Scalar
    """Slow steps taken in this cycle."""
    settled: Bool[Array, ""]
    """Two estimates running were close: `end` is fixed."""


@part
class SlowFast:
    """Cycles of `exploration_steps` slow steps over a block's rest, then fast ones over a stretch.

    The stretch begins where the last one ended. A slow step estimates its end: one behind the
    farthest position at least `cycle_threshold` sure, or two positions on where there is none. Once
    two estimates running differ by at most 1 the last of them stands; else the mean of the last two
    does. Each step writes every token at least `high_threshold` sure, or the best if there are not
    two of them: slow steps in the rest of the block, fast ones in the stretch until it is filled.

    The published code cuts the canvas off behind the stretch in its fast phase, so that the model
    does not see the rest; here every forward sees the whole canvas.
    """

    budgeted: ClassVar[bool] = False
    reads: ClassVar[str] = "probabilities"
    high_threshold: Real = 0.9
    cycle_threshold: Real = 0.3
    exploration_steps: Whole = 6

    def __post_init__(self) -> None:
        require("SlowFast", "high_threshold", self.high_threshold, 0.0, 1.0)
        require("SlowFast", "cycle_threshold", self.cycle_threshold, 0.0, 1.0)
        require("SlowFast", "exploration_steps", self.exploration_steps, 2)

    def init(self, canvas: Canvas) -> Cycle:
        del canvas
        return _fresh(jnp.int32(0))

    def __call__(
        self, memory: Cycle, view: View, scores: Float[Array, " length"], budget: Scalar
    ) -> tuple[Bool[Array, " length"], Cycle]:
        del budget
        cycle = self._where(memory, view)
        slow = cycle.looked < jnp.asarray(self.exploration_steps, jnp.int32)
        cycle = _choose(slow, self._estimate(cycle, view, scores), cycle)
        stop = jnp.where(slow, view.place.end, cycle.end)
        return self._write(view, scores, cycle.begin, stop), cycle

    def _where(self, memory: Cycle, view: View) -> Cycle:
        """The cycle that this step belongs to: a new one where the last stretch is filled."""
        at = index(view.canvas)
        inside = (at >= memory.begin) & (at < memory.end)
        explored = memory.looked >= jnp.asarray(self.exploration_steps, jnp.int32)
        over = explored & ~jnp.any(inside & view.eligible)
        opening = view.place.step == 0
        fresh = _fresh(jnp.where(opening, view.place.start, memory.end))
        return _choose(over | opening, fresh, memory)

    def _estimate(self, cycle: Cycle, view: View, scores: Float[Array, " length"]) -> Cycle:
        """The cycle after one more slow step."""
        at = index(view.canvas)
        sure = view.eligible & (at >= cycle.begin) & reaches(scores, self.cycle_threshold)
        farthest = jnp.max(jnp.where(sure, at, -1))
        guess = jnp.where(farthest >= 0, farthest + 1, cycle.begin + 2)
        guess = jnp.minimum(guess, view.place.end)
        looked = cycle.looked + 1
        close = (looked >= 2) & (jnp.abs(guess - cycle.end) <= 1)
        last = looked == jnp.asarray(self.exploration_steps, jnp.int32)
        end = jnp.where(last & ~close, (guess + cycle.end) // 2, guess)
        end = jnp.where(cycle.settled, cycle.end, end)
        return Cycle(cycle.begin, end, looked, cycle.settled | close)

    def _write(
        self, view: View, scores: Float[Array, " length"], begin: Scalar, stop: Scalar
    ) -> Bool[Array, " length"]:
        at = index(view.canvas)
        near = view.eligible & (at >= begin) & (at < stop)
        # A constraint may have opened positions that lie behind by now.
        open_ = jnp.where(jnp.any(near), near, view.eligible)
        sure = open_ & reaches(scores, self.high_threshold)
        best = open_ & (rank(scores, open_) == 0)
        return jnp.where(count(sure) >= 2, sure, best)


def _choose(condition: Bool[Array, ""], yes: Cycle, no: Cycle) -> Cycle:
    return jax.tree.map(lambda new, old: jnp.where(condition, new, old), yes, no)


def _fresh(begin: Scalar) -> Cycle:
    zero = jnp.int32(0)
    return Cycle(begin, zero, zero, jnp.bool_(False))
