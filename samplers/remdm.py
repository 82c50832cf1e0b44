"""ReMDM's loop: late in a block, the least sure tokens are taken back and written again.

Wang et al. 2025, "Remasking Discrete Diffusion Models with Inference-Time Scaling",
https://arxiv.org/abs/2503.00307, as ParallelBench ships it for LLaDA: after seven eighths of a
block's positions, `remdm_steps` steps are put in between, each of which begins by taking back the
`remdm_number` least sure tokens of the block and writes as many.
"""

from typing import Any, ClassVar

import jax.numpy as jnp
from jaxtyping import Array, Bool

from samplers.base import MASK, Canvas, Place, Scalar, View
from samplers.budgets import Even
from samplers.pytree import part, require
from samplers.ranking import in_block
from samplers.remasking import LogConfidences, least_sure, never_written, written_with
from samplers.values import Whole


@part
class RemdmLoop:
    """Where the steps lie that take back: `remdm_steps` of them within an even schedule."""

    schedule: Even
    remdm_steps: Whole = 1
    remdm_number: Whole = 1

    def __post_init__(self) -> None:
        require("RemdmLoop", "remdm_steps", self.remdm_steps, 0)
        require("RemdmLoop", "remdm_number", self.remdm_number, 1)

    def first(self, place: Place) -> Scalar:
        """The first step that takes back: as many as 7/8 of the block has positions, not the first.

        At the end of the schedule where that is shorter.
        """
        positions = place.end - place.start
        after = jnp.maximum(jnp.minimum(7 * positions // 8, positions - 1), 1)
        return jnp.minimum(after, self.schedule.plan(place))

    def takes_back(self, place: Place, step: Scalar) -> Bool[Array, ""]:
        """Whether this step of the block begins by taking back."""
        first = self.first(place)
        return (step >= first) & (step < first + jnp.asarray(self.remdm_steps, jnp.int32))

    def plan(self, place: Place) -> Scalar:
        """The steps of one block."""
        return self.schedule.plan(place) + jnp.asarray(self.remdm_steps, jnp.int32)


@part
class LoopSchedule:
    """The even schedule with the steps of a loop in between, which write what they took back."""

    spends: ClassVar[bool] = True
    loop: RemdmLoop

    def init(self, canvas: Canvas) -> Any:
        return self.loop.schedule.init(canvas)

    def __call__(self, memory: Any, view: View) -> tuple[Scalar, Any]:
        place, loop = view.place, self.loop
        extra = jnp.asarray(loop.remdm_steps, jnp.int32)
        skipped = jnp.clip(place.step - loop.first(place), 0, extra)
        own = place._replace(step=place.step - skipped)
        share, memory = loop.schedule(memory, view._replace(place=own))
        again = loop.takes_back(place, place.step)
        return jnp.where(again, jnp.asarray(loop.remdm_number, jnp.int32), share), memory

    def plan(self, place: Place) -> Scalar:
        return self.loop.plan(place)


@part
class LoopTakeBack:
    """Takes the least sure tokens of the block back where the next step of the loop wants it."""

    loop: RemdmLoop

    def init(self, canvas: Canvas) -> LogConfidences:
        """Of the tokens of one block."""
        return never_written(canvas)

    def __call__(
        self, memory: LogConfidences, view: View, canvas: Canvas
    ) -> tuple[Canvas, LogConfidences]:
        place = view.place
        memory = jnp.where(place.step == 0, never_written(canvas), memory)
        known = written_with(memory, view, canvas)
        number = jnp.asarray(self.loop.remdm_number, jnp.int32)
        taken = least_sure(known, in_block(canvas, place), canvas, number)
        taken = taken & self.loop.takes_back(place, place.step + 1)
        return jnp.where(taken, MASK, canvas), known
