"""What is put around a whole rule, and the random streams of it."""

from typing import Final

from samplers.base import Place, Scalar, Scheduler
from samplers.parts import planned, reach_of, spends

AFTERWARDS: Final = 2**31 - 1
"""Folded into a step's key for what comes after the rule; no rule folds in such a position."""

BEFOREHAND: Final = 2**31 - 2
"""The same for what comes before the rule."""


class Around:
    """A scheduler that holds another, and writes as far and spends as much as that one."""

    rule: Scheduler

    @property
    def reach(self) -> str:
        """How far the rule may write, as far as it says so."""
        return reach_of(self.rule)

    @property
    def spends(self) -> bool:
        """Whether the rule's schedule is spent to the end."""
        return spends(self.rule)

    def plan(self, place: Place) -> Scalar:
        """The steps that the rule's schedule spends in the block."""
        return planned(self.rule, place)
