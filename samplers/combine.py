"""Small rules compose: a revision, score x budget x selection, then overrides, then stops."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, PRNGKeyArray

from samplers.around import AFTERWARDS, Around
from samplers.base import (
    MASK,
    Budget,
    Canvas,
    Move,
    Override,
    Place,
    Prediction,
    Revise,
    Scalar,
    Scheduler,
    Score,
    Select,
    Stop,
    View,
)
from samplers.budgets import Tokens
from samplers.parts import (
    as_part,
    ask,
    finished,
    needs,
    planned,
    refuse_untraceable,
    spends,
    start,
)
from samplers.pytree import scheduler, static
from samplers.ranking import REACHES, eligible, in_block, write
from samplers.revised import Revised
from samplers.scores import Confidence
from samplers.selections import TopK
from samplers.stops import AnyOf


def combine(
    *,
    score: Score | None = None,
    budget: Budget | None = None,
    select: Select | None = None,
    override: Override | Iterable[Override] = (),
    stop: Stop | Iterable[Stop] | None = None,
    revise: Revise | None = None,
    rule: Scheduler | None = None,
    reach: str = "block",
) -> Scheduler:
    """Builds a scheduler from parts (their signatures: `samplers.base`).

    Parts are instances of classes declared with `part`, or plain functions, which are compiled in.
    Left out, a part is the plain one: confidence, one token a step, the best of them. A block is
    left when it is filled or its schedule has run out; `stop` says when to leave it before that.
    `revise` puts another prediction in place of the model's, before all other parts. `rule` takes a
    whole scheduler in place of score, budget and select, to put the other parts on it.
    `reach="before"` lets a step also write undecided positions before the block, as LLaDA's
    published sampler does.
    """
    made = _base(score, budget, select, rule, reach)
    overrides = tuple(as_part("combine: override", each) for each in _listed(override))
    stops = tuple(as_part("combine: stop", each) for each in _listed(() if stop is None else stop))
    if overrides or stops:
        made = Overridden(made, overrides, _joined(stops))
    return made if revise is None else Revised(made, as_part("combine: revise", revise))


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

    @property
    def spends(self) -> bool:
        """Whether its schedule is spent to the end, filled or not."""
        return spends(self.budget)

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
        memories = Memories(score_memory, budget_memory, select_memory)
        return Move(after, memories, finished(self, after, place))


@scheduler
class Overridden(Around):
    """A rule whose canvas passes through overrides; `stop` may leave blocks earlier than it."""

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

    def update(
        self, key: PRNGKeyArray, state: Any, canvas: Canvas, prediction: Prediction, place: Place
    ) -> Move:
        rule_state, memories = state
        # The rule draws from its own key, so that an override that does nothing changes nothing.
        move = self.rule.update(key, rule_state, canvas, prediction, place)
        keys = jax.random.split(jax.random.fold_in(key, AFTERWARDS), 1 + len(self.overrides))
        reachable = eligible(canvas, prediction, place, self.reach)
        view = View(key, canvas, prediction, place, reachable)
        after, kept = move.canvas, []
        for i, (part, memory) in enumerate(zip(self.overrides, memories[:-1], strict=True)):
            after, memory = ask(part, memory, view._replace(key=keys[i]), after)
            kept.append(memory)
        stopped, memory = self._stopped(view._replace(key=keys[-1]), memories[-1], after)
        stopped = jnp.asarray(move.stopped) | stopped
        done = stopped | self._finished(move, after, place)
        return Move(after, (move.state, (*kept, memory)), done, stopped)

    def _stopped(self, view: View, memory: Any, after: Canvas) -> tuple[Any, Any]:
        return (False, memory) if self.stop is None else ask(self.stop, memory, view, after)

    def _finished(self, move: Move, after: Canvas, place: Place) -> Bool[Array, ""]:
        # The rule may have been done because of what an override then took back.
        reopened = jnp.any((move.canvas >= 0) & (after == MASK) & in_block(after, place))
        return (move.done & ~reopened) | finished(self.rule, after, place)


def _base(score: Any, budget: Any, select: Any, rule: Any, reach: str) -> Scheduler:
    parts = {"score": score, "budget": budget, "select": select}
    given = [name for name, part in parts.items() if part is not None]
    if reach not in REACHES:
        raise ValueError(f"combine: reach must be one of {REACHES}, got {reach!r}")
    if rule is not None and (given or reach != "block"):
        what = given or [f"reach={reach!r}"]
        raise ValueError(f"combine: rule already decides what to write, got also {', '.join(what)}")
    if rule is not None:
        refuse_untraceable("combine: rule", rule)
        if not isinstance(rule, Scheduler):
            raise TypeError(f"combine: rule must have a method update, got {rule!r}")
        return rule
    taken = {name: as_part(f"combine: {name}", parts[name]) for name in given}
    _refuse_unread(taken)
    plain = {"score": Confidence(), "budget": Tokens(), "select": TopK()}
    return Selected(**{**plain, **taken}, reach=reach)


def _listed(override: Any) -> Iterable[Any]:
    several = isinstance(override, Iterable) and not callable(override)
    return override if several else (override,)


def _joined(stops: tuple[Stop, ...]) -> Stop | None:
    if not stops:
        return None
    return stops[0] if len(stops) == 1 else AnyOf(stops)


def _refuse_unread(parts: dict[str, Any]) -> None:
    """Raises if a part was given that the selection beside it makes nothing of."""
    score, budget, select = (parts.get(name) for name in ("score", "budget", "select"))
    chooser, scorer = type(select).__name__, type(score).__name__
    if budget is not None and not getattr(select, "budgeted", True):
        raise ValueError(
            f"combine: {chooser} decides by itself how many positions to write, "
            f"so a budget has no effect; got {type(budget).__name__}"
        )
    reads = getattr(select, "reads", "order")
    if reads == "nothing" and score is not None:
        raise ValueError(
            f"combine: {chooser} looks at no score, so a score has no effect; got {scorer}"
        )
    if reads == "probabilities" and not getattr(score, "probability", True):
        raise ValueError(
            f"combine: {chooser} compares scores with probabilities, and {scorer} gives none"
        )
