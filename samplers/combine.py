"""Small rules compose: score x budget x selection, then overrides, then a stop."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, PRNGKeyArray

from samplers.base import (
    Budget,
    Canvas,
    Move,
    Override,
    Place,
    Prediction,
    Scalar,
    Scheduler,
    Score,
    Select,
    Stop,
    View,
)
from samplers.budgets import Tokens
from samplers.parts import ask, exhausted, needs, planned, start
from samplers.pytree import scheduler, static
from samplers.ranking import REACHES, eligible, filled, write
from samplers.scores import Confidence
from samplers.selections import TopK


def combine(
    *,
    score: Score | None = None,
    budget: Budget | None = None,
    select: Select | None = None,
    override: Override | Iterable[Override] = (),
    stop: Stop | None = None,
    rule: Scheduler | None = None,
    reach: str = "block",
) -> Scheduler:
    """Builds a scheduler from parts (their signatures: `samplers.base`).

    Left out, a part is the plain one: confidence, one token a step, the best of them, leave when
    the block is filled. `rule` takes a whole scheduler in place of score, budget and select, to put
    overrides or another stop on it. `reach="before"` lets a step also write undecided positions
    before the block, as LLaDA's published sampler does.
    """
    made = _base(score, budget, select, rule, reach)
    overrides = (override,) if callable(override) else tuple(override)
    for name, given in (("override", overrides), ("stop", () if stop is None else (stop,))):
        refuse_uncallable(name, given)
    return Overridden(made, overrides, stop) if overrides or stop is not None else made


class Memories(NamedTuple):
    """What the parts of a `Selected` rule remember."""

    score: Any
    budget: Any
    select: Any


@scheduler
class Selected:
    """Writes the positions that `select` picks by `score` within `budget`."""

    score: Score
    budget: Budget
    select: Select
    reach: str = static(default="block")

    @property
    def needs(self) -> frozenset[str]:
        """What its parts need; writing before the block needs predictions there."""
        beyond = frozenset({"canvas"}) if self.reach != "block" else frozenset()
        return beyond.union(*(needs(part) for part in (self.score, self.budget, self.select)))

    def init(self, canvas: Canvas) -> Memories:
        return Memories(*(start(part, canvas) for part in (self.score, self.budget, self.select)))

    def plan(self, place: Place) -> Scalar:
        return planned(self.budget, place)

    def update(
        self,
        key: PRNGKeyArray,
        state: Memories,
        canvas: Canvas,
        prediction: Prediction,
        place: Place,
    ) -> Move:
        view = View(key, canvas, prediction, place, eligible(canvas, prediction, place, self.reach))
        score, budget, select = (view._replace(key=k) for k in jax.random.split(key, 3))
        scores, score_memory = ask(self.score, state.score, score)
        tokens, budget_memory = ask(self.budget, state.budget, budget)
        chosen, select_memory = ask(self.select, state.select, select, scores, tokens)
        after = write(canvas, prediction.tokens, chosen & view.eligible)
        done = filled(after, place) | exhausted(self, place)
        return Move(after, Memories(score_memory, budget_memory, select_memory), done)


@scheduler
class Overridden:
    """A rule whose canvas passes through overrides; `stop`, if given, decides when to leave."""

    rule: Scheduler
    overrides: tuple[Override, ...]
    stop: Stop | None = None

    @property
    def needs(self) -> frozenset[str]:
        """What the rule and its overrides need."""
        return needs(self.rule).union(*(needs(part) for part in (*self.overrides, self.stop)))

    def init(self, canvas: Canvas) -> Any:
        memories = tuple(start(part, canvas) for part in (*self.overrides, self.stop))
        return start(self.rule, canvas), memories

    def plan(self, place: Place) -> Scalar:
        return planned(self.rule, place)

    def update(
        self, key: PRNGKeyArray, state: Any, canvas: Canvas, prediction: Prediction, place: Place
    ) -> Move:
        rule_state, memories = state
        key, *keys = jax.random.split(key, 2 + len(self.overrides))
        move = self.rule.update(key, rule_state, canvas, prediction, place)
        view = View(key, canvas, prediction, place, eligible(canvas, prediction, place))
        after, kept = move.canvas, []
        for part, memory, part_key in zip(self.overrides, memories[:-1], keys[:-1], strict=True):
            after, memory = ask(part, memory, view._replace(key=part_key), after)
            kept.append(memory)
        done, stop_memory = self._done(view._replace(key=keys[-1]), memories[-1], move, after)
        return Move(after, (move.state, (*kept, stop_memory)), done)

    def _done(self, view: View, memory: Any, move: Move, after: Canvas) -> tuple[Array, Any]:
        # An override that changed the canvas re-opens the rule's own answer: what it filled may
        # have been taken back, what it left open may be filled.
        if self.stop is not None:
            return ask(self.stop, memory, view, after)
        untouched = jnp.all(after == move.canvas)
        done = (move.done & untouched) | filled(after, view.place)
        return done | exhausted(self.rule, view.place), memory


def _base(score: Any, budget: Any, select: Any, rule: Any, reach: str) -> Scheduler:
    parts = {"score": score, "budget": budget, "select": select}
    given = [name for name, part in parts.items() if part is not None]
    if reach not in REACHES:
        raise ValueError(f"combine: reach must be one of {REACHES}, got {reach!r}")
    if rule is not None and (given or reach != "block"):
        what = given or [f"reach={reach!r}"]
        raise ValueError(f"combine: rule already decides what to write, got also {', '.join(what)}")
    if rule is not None:
        return rule
    for name in given:
        refuse_uncallable(name, (parts[name],))
    if budget is not None and not getattr(select, "budgeted", True):
        raise ValueError(
            f"combine: {type(select).__name__} decides by itself how many positions to write, "
            f"so a budget has no effect; got {type(budget).__name__}"
        )
    plain = {"score": Confidence(), "budget": Tokens(), "select": TopK()}
    return Selected(**{n: plain[n] if parts[n] is None else parts[n] for n in plain}, reach=reach)


def refuse_uncallable(name: str, parts: tuple[Any, ...]) -> None:
    """Raises unless all of these parts can be called."""
    for part in parts:
        if not callable(part):
            raise TypeError(f"combine: {name} must be callable, got {type(part).__name__} {part!r}")
