"""Putting parts together."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import dllm
from dllm.toy import random_chain
from samplers import combine, part
from samplers.budgets import Dream, Even
from samplers.overrides import EarlyStop
from samplers.scores import Confidence, LeftToRight, Tempered
from samplers.selections import Bernoulli, Factor, Threshold

CHAIN = random_chain(0)


@part
class Growing:
    """A budget with a memory: one more position every step of the row."""

    def init(self, canvas: Any) -> Any:
        return jnp.int32(0)

    def __call__(self, memory: Any, view: Any) -> Any:
        return memory + 1, memory + 1


@part
class TakeBackOnce:
    """An override that empties the block's first position the first time it is filled."""

    def init(self, canvas: Any) -> Any:
        return jnp.bool_(False)

    def __call__(self, memory: Any, view: Any, canvas: Any) -> Any:
        full = dllm.filled(canvas, view.place)
        first = jnp.arange(canvas.shape[0]) == view.place.start
        return jnp.where(full & ~memory & first, dllm.MASK, canvas), memory | full


@part
class AfterSteps:
    """A stop after so many steps."""

    steps: Any

    def __call__(self, view: Any, canvas: Any) -> Any:
        return view.place.step + 1 >= self.steps


@part
class OneOnly:
    """A selection that ignores its budget."""

    def __call__(self, view: Any, scores: Any, budget: Any) -> Any:
        return dllm.rank(scores, view.eligible) == 0


@dllm.scheduler
class TwoSteps:
    """The surest token a step; says done after the second, once, and writes no more."""

    def update(self, key: Any, state: Any, canvas: Any, prediction: Any, place: Any) -> Any:
        open_ = dllm.eligible(canvas, prediction, place)
        best = dllm.rank(prediction.log_confidence, open_) == 0
        after = dllm.write(canvas, prediction.tokens, open_ & best & (place.step < 2))
        return dllm.Move(after, state, dllm.filled(after, place) | (place.step == 1))


@dllm.scheduler
class AllAtOnce:
    """Writes all there is and is done."""

    def update(self, key: Any, state: Any, canvas: Any, prediction: Any, place: Any) -> Any:
        open_ = dllm.eligible(canvas, prediction, place)
        return dllm.Move(dllm.write(canvas, prediction.tokens, open_), state, jnp.bool_(True))


@part
class NeedsOwn:
    needs = frozenset({"own"})

    def __call__(self, view: Any) -> Any:
        return view.prediction.own


def _decode(rule: dllm.Scheduler, gen_length: int = 10) -> dllm.Decoded:
    rows = dllm.rows([[1, 2]], gen_length)
    return dllm.decode(CHAIN, rows, rule, record=gen_length)


def test_a_part_with_a_memory() -> None:
    assert _decode(combine(budget=Growing())).steps.tolist() == [4]  # 1 + 2 + 3 + 4


def test_an_override_reopens_the_block() -> None:
    ended = _decode(combine(override=TakeBackOnce()))
    assert ended.steps.tolist() == [11]
    assert ended.trajectory[0, 9].tolist().count(dllm.MASK) == 1


def test_an_override_on_a_whole_rule() -> None:
    eos = int(_decode(dllm.rule("left_to_right")).canvas[0, 5])
    ended = _decode(combine(rule=dllm.rule("left_to_right"), override=EarlyStop(eos)))
    assert np.all(ended.canvas[0, 5:] == eos)
    assert ended.steps.tolist() == [4]


def test_a_stop_leaves_earlier() -> None:
    ended = _decode(combine(stop=AfterSteps(jnp.int32(3))))
    assert ended.steps.tolist() == [3]
    assert ended.outcome.tolist() == [dllm.Outcome.OUT_OF_STEPS]


@pytest.mark.parametrize("parts", [{}, {"budget": Even(12)}, {"override": TakeBackOnce()}])
def test_a_stop_never_leaves_later(parts: dict[str, Any]) -> None:
    never = AfterSteps(jnp.int32(100))
    ended, plain = _decode(combine(stop=never, **parts)), _decode(combine(**parts))
    assert ended.steps.tolist() == plain.steps.tolist()
    assert ended.outcome.tolist() == [dllm.Outcome.FILLED]


def test_a_stop_keeps_the_schedules_end() -> None:
    short = combine(budget=Even(2), select=OneOnly(), stop=AfterSteps(jnp.int32(100)))
    assert _decode(short).steps.tolist() == [2]


def test_an_override_that_fires_keeps_the_rules_own_end() -> None:
    """`TwoSteps` says done once; filling positions after it must not lose that."""
    plain = _decode(TwoSteps())
    assert plain.steps.tolist() == [2]
    for token in plain.canvas[0, 2:].tolist():
        if token >= 0:
            ended = _decode(combine(rule=TwoSteps(), override=EarlyStop(token)))
            assert ended.steps.tolist() == [2]


def test_taking_back_what_the_rule_wrote_keeps_the_block() -> None:
    """Only the block's positions count, and only those that the rule had decided."""
    kept = _decode(combine(rule=AllAtOnce(), override=TakeBackOnce()))
    assert kept.steps.tolist() == [2]
    assert kept.outcome.tolist() == [dllm.Outcome.FILLED]


@pytest.mark.parametrize("name", ["random", "dream", "origin"])
def test_an_override_that_does_nothing_changes_nothing(name: str) -> None:
    options: dict[str, Any] = {} if name == "random" else {"steps": 5}
    options |= {"alg_temp": 0.5} if name == "dream" else {}
    rule = dllm.rule(name, **options)
    plain = _decode(rule)
    idle = combine(rule=rule, override=EarlyStop(999), stop=AfterSteps(jnp.int32(100)))
    np.testing.assert_array_equal(_decode(idle).trajectory, plain.trajectory)


@pytest.mark.parametrize(
    "name",
    ["random", *(pytest.param(name, marks=pytest.mark.slow) for name in ("dream", "origin"))],
)
def test_nor_does_one_without_a_stop(name: str) -> None:
    options: dict[str, Any] = {} if name == "random" else {"steps": 5}
    plain = _decode(dllm.rule(name, **options))
    idle = dllm.rule(f"{name}+early_stop", eos=999, **options)
    np.testing.assert_array_equal(_decode(idle).trajectory, plain.trajectory)


def test_parts_draw_from_streams_of_their_own() -> None:
    seen: dict[str, Any] = {}

    def note(name: str) -> Any:
        def override(view: Any, canvas: Any) -> Any:
            seen[name] = jax.random.key_data(view.key)
            return canvas

        return override

    @dllm.scheduler
    class Rule:
        def update(self, key: Any, state: Any, canvas: Any, prediction: Any, place: Any) -> Any:
            seen["rule"] = jax.random.key_data(key)
            for i, part_key in enumerate(jax.random.split(key, 3)):
                seen[f"part {i}"] = jax.random.key_data(part_key)
            return dllm.Move(canvas, state, jnp.bool_(False))

    rule = combine(rule=Rule(), override=[note("first"), note("second")], stop=_stop_noting(seen))
    _update_once(rule)
    drawn = {tuple(data.tolist()) for data in seen.values()}
    assert len(seen) == 7
    assert len(drawn) == 7


def _stop_noting(seen: dict[str, Any]) -> Any:
    def stop(view: Any, canvas: Any) -> Any:
        seen["stop"] = jax.random.key_data(view.key)
        return jnp.bool_(False)

    return stop


def _update_once(rule: Any) -> Any:
    """One step on five holes, the first two of them before the block."""
    canvas = jnp.full(5, dllm.MASK, jnp.int32)
    zeros, ones = jnp.zeros(5), jnp.ones(5, bool)
    prediction = dllm.Prediction(jnp.zeros(5, jnp.int32), zeros, zeros, zeros, zeros, ones, ones)
    place = dllm.Place(*(jnp.int32(n) for n in (0, 2, 5, 1, 2, 0, 0)))
    return rule.update(jax.random.key(0), rule.init(canvas), canvas, prediction, place)


@pytest.mark.parametrize(("reach", "expected"), [("block", 3), ("before", 5)])
def test_an_override_sees_what_its_rule_may_write(reach: str, expected: int) -> None:
    seen = []

    def override(view: Any, canvas: Any) -> Any:
        seen.append(int(jnp.sum(view.eligible)))
        return canvas

    once = combine(reach=reach, override=override)
    _update_once(once)
    _update_once(combine(rule=once, override=override))
    assert seen == [expected] * 3


def test_needs_add_up() -> None:
    rule: Any = combine(score=NeedsOwn(), override=EarlyStop(1), reach="before")
    assert rule.needs == {"own", "canvas"}
    assert _decode(rule).outcome.tolist() == [dllm.Outcome.FILLED]


def test_reach_before_writes_holes_of_the_prompt() -> None:
    rows = dllm.rows([[1, dllm.MASK, 2]], 6, 3)
    near, far = (dllm.decode(CHAIN, rows, combine(reach=reach)) for reach in ("block", "before"))
    assert near.canvas[0, 1] == dllm.MASK
    assert far.canvas[0, 1] >= 0


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"reach": "all"}, r"combine: reach must be one of \('block', 'before'\), got 'all'"),
        (
            {"budget": Even(4), "select": Threshold()},
            "combine: Threshold decides by itself how many positions to write, so a budget has no "
            "effect; got Even",
        ),
        (
            {"rule": dllm.rule("factor"), "select": Threshold()},
            "combine: rule already decides what to write, got also select",
        ),
        (
            {"rule": dllm.rule("factor"), "reach": "before"},
            "combine: rule already decides what to write, got also reach='before'",
        ),
        (
            {"score": LeftToRight(), "select": Threshold()},
            "combine: Threshold compares scores with probabilities, and LeftToRight gives none",
        ),
        (
            {"score": Tempered(Confidence(), 1.0), "select": Factor()},
            "combine: Factor compares scores with probabilities, and Tempered gives none",
        ),
        (
            {"score": Confidence(), "select": Bernoulli(Dream.of(4))},
            "combine: Bernoulli looks at no score, so a score has no effect; got Confidence",
        ),
    ],
)
def test_refuses_parts_that_make_no_sense(parts: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        combine(**parts)


def test_early_stop_refuses_a_foreign_scope() -> None:
    with pytest.raises(ValueError, match=r"EarlyStop: scope must be one of \('answer', 'canvas'\)"):
        EarlyStop(1, "row")
