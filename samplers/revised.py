"""A rule that is told something else than what the model said."""

from typing import Any

import jax
from jaxtyping import PRNGKeyArray

from samplers.around import BEFOREHAND, Around
from samplers.base import Canvas, Move, Place, Prediction, Revise, Scheduler, View
from samplers.parts import ask, needs, start
from samplers.pytree import scheduler
from samplers.ranking import eligible


@scheduler
class Revised(Around):
    """A rule with its overrides and stops, shown what `revise` makes of each prediction."""

    rule: Scheduler
    revise: Revise

    @property
    def needs(self) -> frozenset[str]:
        """What the rule and the revision need."""
        return needs(self.rule) | needs(self.revise)

    def init(self, canvas: Canvas) -> Any:
        return start(self.rule, canvas), start(self.revise, canvas)

    def update(
        self, key: PRNGKeyArray, state: Any, canvas: Canvas, prediction: Prediction, place: Place
    ) -> Move:
        state, memory = state
        reachable = eligible(canvas, prediction, place, self.reach)
        own = jax.random.fold_in(key, BEFOREHAND)
        view = View(own, canvas, prediction, place, reachable)
        shown, memory = ask(self.revise, memory, view)
        move = self.rule.update(key, state, canvas, shown, place)
        return move._replace(state=(move.state, memory))
