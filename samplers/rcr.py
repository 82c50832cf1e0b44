"""RCR: everything is written in every step, and the least sure of it taken back.

He et al. 2025, "MDPO: Overcoming the Training-Inference Divide of Masked Diffusion Language
Models", https://arxiv.org/abs/2508.13148.
"""

from typing import NamedTuple

import jax.numpy as jnp

from samplers.base import MASK, Canvas, Scalar, View
from samplers.maskgit import MaskGit, entered
from samplers.pytree import part, static
from samplers.ranking import REACHES, count, in_block, index
from samplers.remasking import LogConfidences, least_sure, never_written, written_with


class Records(NamedTuple):
    """What is remembered of a row."""

    log_confidence: LogConfidences
    at_entry: Scalar
    """The holes of the block when it was entered."""


@part
class TakeBackLeastSure:
    """After each step, so many positions are undecided again as the schedule says.

    Those go that were written with the least confidence; what was on the canvas from the start
    stays. Positions that nothing may be written at count among the undecided. The published code
    may take back tokens of earlier blocks as well: `reach="before"`.
    """

    schedule: MaskGit
    reach: str = static(default="block")

    def __post_init__(self) -> None:
        if self.reach not in REACHES:
            raise ValueError(
                f"TakeBackLeastSure: reach must be one of {REACHES}, got {self.reach!r}"
            )

    @property
    def needs(self) -> frozenset[str]:
        """What is taken back before the block has to be predicted there."""
        return frozenset({"canvas"}) if self.reach == "before" else frozenset()

    def init(self, canvas: Canvas) -> Records:
        return Records(never_written(canvas), jnp.int32(0))

    def __call__(self, memory: Records, view: View, canvas: Canvas) -> tuple[Canvas, Records]:
        known = written_with(memory.log_confidence, view, canvas)
        at_entry = entered(memory.at_entry, view)
        within = in_block(canvas, view.place)
        if self.reach == "before":
            within = index(canvas) < view.place.end
        open_ = count((canvas == MASK) & within & (index(canvas) >= view.place.prompt))
        surplus = self.schedule.left(at_entry, view.place.step) - open_
        taken = least_sure(known, within, canvas, surplus)
        return jnp.where(taken, MASK, canvas), Records(known, at_entry)
