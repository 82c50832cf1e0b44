"""Fast-dLLM's decoding of Dream: a budget that carries over, and a block's first position first.

Wu et al. 2025, https://arxiv.org/abs/2505.22618.
"""

from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from samplers.base import Canvas, Place, Scalar, Select, View
from samplers.budgets import Even
from samplers.parts import as_part, ask, needs, start
from samplers.pytree import part, require
from samplers.ranking import count, holes, index
from samplers.values import Whole


class Account(NamedTuple):
    """What a block has been promised."""

    share: Scalar
    asked: Scalar
    """Positions that the last step was to write, as far as there were any."""
    open: Scalar
    """Holes before the last step."""


@part
class CarriedOver:
    """An equal share of the holes each step, plus what the last step was allowed and did not write.

    After `steps` (of the whole row, shared out over its blocks) only what was left over is due, so
    that the row ends with nothing undecided.
    """

    steps: Whole = 128

    def __post_init__(self) -> None:
        require("CarriedOver", "steps", self.steps, 1)

    def init(self, canvas: Canvas) -> Account:
        del canvas
        return Account(jnp.int32(0), jnp.int32(0), jnp.int32(0))

    def __call__(self, memory: Account, view: View) -> tuple[Scalar, Account]:
        step, now = view.place.step, count(holes(view.canvas, view.place))
        share = jnp.where(step == 0, self._share(now, view.place), memory.share)
        owed = jnp.maximum(memory.asked - (memory.open - now), 0)
        fresh = jnp.where(step < Even(self.steps).plan(view.place), share, 0)
        due = fresh + jnp.where(step == 0, 0, owed)
        return due, Account(share, jnp.minimum(due, now), now)

    def _share(self, open_: Scalar, place: Place) -> Scalar:
        steps = Even(self.steps).plan(place)
        return (open_ + steps - 1) // steps


@part
class FirstAlone:
    """In a block's first step writes its first position and nothing else, then selects as told.

    Over a cache, a model that predicts the next token says nothing new of a block's first position
    but in the full forward, so Fast-dLLM takes it from there.
    """

    select: Select

    def __post_init__(self) -> None:
        object.__setattr__(self, "select", as_part("FirstAlone: select", self.select))

    @property
    def needs(self) -> frozenset[str]:
        """What the selection needs."""
        return needs(self.select)

    @property
    def budgeted(self) -> bool:
        """Whether the selection keeps to a budget."""
        return getattr(self.select, "budgeted", True)

    @property
    def reads(self) -> str:
        """What the selection makes of scores."""
        return getattr(self.select, "reads", "order")

    def init(self, canvas: Canvas) -> Any:
        return start(self.select, canvas)

    def __call__(
        self, memory: Any, view: View, scores: Float[Array, " length"], budget: Scalar
    ) -> tuple[Bool[Array, " length"], Any]:
        chosen, after = ask(self.select, memory, view, scores, budget)
        first = index(view.canvas) == view.place.start
        return jnp.where(view.place.step == 0, first, chosen), after
