"""Taking parts in: functions are wrapped, what `jax.jit` cannot take is refused by name."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import pytest

import dllm
from dllm.toy import random_chain
from samplers import combine, part, scheduler, static
from samplers.combine import _base
from samplers.parts import Function, as_part, needs, refuse_untraceable
from samplers.scores import Confidence, Tempered
from samplers.selections import Threshold

CHAIN = random_chain(0)


@part
class Holds:
    thing: Any = None
    fixed: Any = static(default=None)

    def __call__(self, view: Any) -> Any:
        return view.prediction.log_confidence


class Sub(Threshold):
    """A subclass that forgets the decorator."""


class Plain:
    def __call__(self, view: Any) -> Any: ...


class Loose:
    def update(self, key: Any, state: Any, canvas: Any, prediction: Any, place: Any) -> Any: ...


@scheduler
class Declared(Loose):
    pass


def first(view: Any) -> Any:
    return -jnp.arange(view.canvas.shape[0], dtype=jnp.float32)


def test_functions_are_parts() -> None:
    rows = dllm.rows([[1, 2]], 8)
    expected = dllm.decode(CHAIN, rows, dllm.rule("left_to_right")).canvas.tolist()
    scale = partial(lambda by, view: by * first(view), 2.0)
    for score in (jax.jit(first), scale):
        assert dllm.decode(CHAIN, rows, combine(score=score)).canvas.tolist() == expected
    rule = combine(override=lambda view, canvas: jnp.where(canvas == 3, 4, canvas), stop=_never)
    assert 3 not in dllm.decode(CHAIN, rows, rule).canvas[0, 2:].tolist()


def _untyped(thing: Any) -> Any:
    """What is refused below is mostly wrong in its types already."""
    return thing


def _never(view: Any, canvas: Any) -> Any:
    return jnp.bool_(False)


def test_a_functions_needs_are_its_parts() -> None:
    def own(view: Any) -> Any:
        return view.prediction.own

    setattr(own, "needs", frozenset({"own"}))  # noqa: B010
    assert needs(as_part("combine: score", own)) == {"own"}
    assert jax.tree.structure(Function(first)) == jax.tree.structure(as_part("score", first))


def test_a_score_inside_a_score_may_be_a_function() -> None:
    assert Tempered(first, 0.5).score == Function(first)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: combine(select=_untyped(Threshold)),
            r"combine: select got the class Threshold and not an instance; instantiate it: Thresho",
        ),
        (
            lambda: combine(override=_untyped(Threshold)),
            "combine: override got the class Threshold",
        ),
        (
            lambda: combine(select=Sub()),
            "combine: select Sub is no pytree; decorate the class Sub with @dllm.part",
        ),
        (lambda: combine(score=Plain()), "combine: score Plain is no pytree; decorate the class P"),
        (
            lambda: combine(rule=Loose()),
            "combine: rule Loose is no pytree; decorate the class Loose with @dllm.scheduler",
        ),
        (
            lambda: combine(rule=_untyped(Declared)),
            "combine: rule got the class Declared and not an inst",
        ),
        (lambda: combine(score=Holds(first)), r"score Holds.thing is a function and cannot be tra"),
        (lambda: combine(score=Holds(Confidence)), r"Holds.thing is the class Confidence; instan"),
        (lambda: combine(score=Holds("abc")), r"Holds.thing is 'abc', no number or array; declare"),
        (
            lambda: combine(score=Holds(fixed=[1])),
            "combine: score has a static field that is unhashable type: 'list'",
        ),
        (lambda: Tempered(_untyped(Confidence), 1.0), "Tempered: score got the class Confidence"),
        (lambda: as_part("combine: score", 3), "combine: score must be callable, got int 3"),
        (lambda: refuse_untraceable("decode: scheduler", Loose()), "decode: scheduler Loose is no"),
    ],
)
def test_refuses(make: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        make()


def test_what_is_no_rule_is_no_rule() -> None:
    with pytest.raises(TypeError, match="combine: rule must have a method update, got Confidence"):
        _base(None, None, None, Confidence(), "block")
