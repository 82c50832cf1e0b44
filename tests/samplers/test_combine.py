"""Putting parts together."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import dllm
from dllm.toy import random_chain
from samplers import combine, part
from samplers.budgets import Even
from samplers.combine import refuse_uncallable
from samplers.overrides import EarlyStop
from samplers.selections import Threshold

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
class Keys:
    """A score that shows its key."""

    def __call__(self, view: Any) -> Any:
        return jax.random.uniform(view.key, view.canvas.shape)


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


def test_a_stop_decides_alone() -> None:
    ended = _decode(combine(stop=AfterSteps(jnp.int32(3))))
    assert ended.steps.tolist() == [3]
    assert ended.outcome.tolist() == [dllm.Outcome.OUT_OF_STEPS]


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
    ],
)
def test_refuses_parts_that_make_no_sense(parts: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        combine(**parts)


def test_refuses_parts_that_are_no_functions() -> None:
    with pytest.raises(TypeError, match="combine: score must be callable, got int 3"):
        refuse_uncallable("score", (3,))


def test_early_stop_refuses_a_foreign_scope() -> None:
    with pytest.raises(ValueError, match=r"EarlyStop: scope must be one of \('answer', 'canvas'\)"):
        EarlyStop(1, "row")
