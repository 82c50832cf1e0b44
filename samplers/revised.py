"""A rule that is told something else than what the model said."""

from typing import Any, Final

import jax
from jaxtyping import PRNGKeyArray

from samplers.base import Canvas, Move, Place, Prediction, Revise, Scalar, Scheduler, View
from samplers.parts import ask, needs, planned, reach_of, spends, start
from samplers.pytree import scheduler
from samplers.ranking import eligible

_BEFOREHAND: Final = 2**31 - 2
"""Folded into a step's key for what comes before the rule; no rule folds in such a position."""


@scheduler
class Revised:
    """A rule with its overrides and stops, shown what `revise` makes of each prediction."""

    rule: Scheduler
    revise: Revise

    @property
    def needs(self) -> frozenset[str]:
        """What the rule and the revision need."""
        return needs(self.rule) | needs(self.revise)

    @property
    def reach(self) -> str:
        """How far the rule may write, as far as it says so."""
        return reach_of(self.rule)

    @property
    def spends(self) -> bool:
        """Whether the rule's schedule is spent to the end."""
        return spends(self.rule)

    def init(self, canvas: Canvas) -> Any:
        return start(self.rule, canvas), start(self.revise, canvas)

    def plan(self, place: Place) -> Scalar:
        return planned(self.rule, place)

    def update(
        self, key: PRNGKeyArray, state: Any, canvas: Canvas, prediction: Prediction, place: Place
    ) -> Move:
        state, memory = state
        reachable = eligible(canvas, prediction, place, self.reach)
        own = jax.random.fold_in(key, _BEFOREHAND)
        view = View(own, canvas, prediction, place, reachable)
        shown, memory = ask(self.revise, memory, view)
        move = self.rule.update(key, state, canvas, shown, place)
        return move._replace(state=(move.state, memory))
