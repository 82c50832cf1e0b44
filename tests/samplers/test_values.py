"""What a field annotated as a number holds, and which annotations say so."""

from typing import Any, Optional

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from samplers import part
from samplers.budgets import Dream, Tokens
from samplers.overrides import EarlyStop
from samplers.selections import Threshold
from samplers.values import as_annotated, hints, kinds, plain


@part
class Numbers:
    level: float = 0.5
    count: int = 1
    untyped: Any = None


def numbers(*values: Any, **named: Any) -> Any:
    """Untyped, to give it numbers of other kinds."""
    return Numbers(*values, **named)


@part
class Doubled:
    """Checks and computes after its numbers are settled."""

    level: float = 0.5

    def __post_init__(self) -> None:
        assert type(self.level) is float
        object.__setattr__(self, "level", 2 * self.level)


def _programs(made: list[Any]) -> int:
    """How many programs are compiled for these arguments."""
    traces = []
    run = jax.jit(lambda rule: traces.append(1))
    for rule in made:
        run(rule)
    return len(traces)


def test_one_program_for_numbers_of_any_kind() -> None:
    halves = [0.5, np.float32(0.5), np.float64(0.5), jnp.float32(0.5), np.array(0.5), 1, 0]
    assert _programs([Threshold(half) for half in halves]) == 1
    assert _programs([numbers(half) for half in halves]) == 1
    twos = [2, np.int64(2), np.int32(2), jnp.int32(2), np.uint8(2), 2.0]
    assert _programs([Tokens(two) for two in twos]) == 1
    assert _programs([numbers(count=two) for two in twos]) == 1
    assert numbers(jnp.float32(0.5), np.int64(2)) == numbers(0.5, 2)


def test_schedules_of_any_usual_length_are_one_program() -> None:
    assert _programs([Dream.of(steps) for steps in (1, 8, 128, 129, 1024)]) == 1
    assert _programs([Dream.of(steps) for steps in (1024, 1025, 2048)]) == 2


def test_arrays_traced_values_and_unannotated_fields_stay() -> None:
    table, key = jnp.arange(3.0), jax.random.key(0)
    assert numbers(table).level is table
    assert numbers(untyped=key).untyped is key
    assert numbers(untyped=np.float32(1)).untyped.dtype == np.float32
    assert np.asarray(jax.vmap(lambda level: Threshold(level).threshold)(table)).tolist() == [
        0,
        1,
        2,
    ]
    assert jax.grad(lambda level: numbers(level).level ** 2)(3.0) == 6
    assert numbers(level=None).level is None


def test_a_class_may_still_compute_its_fields() -> None:
    assert Doubled(np.float32(2)).level == 4.0  # pyright: ignore[reportArgumentType]
    assert jax.tree.map(lambda leaf: leaf, Doubled(2)).level == 4.0


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Tokens(2.7), ValueError, "Tokens: tokens must be a whole number, got 2.7"),
        (lambda: Tokens(np.float32(2.5)), ValueError, "Tokens: tokens must be a whole number"),
        (lambda: numbers(count=1.5), ValueError, "Numbers: count must be a whole number, got 1.5"),
        (lambda: EarlyStop(float("nan")), ValueError, "EarlyStop: eos must be a whole number"),
        (lambda: Dream.of(8, blocks=0), ValueError, "Dream: blocks must be at least 1, got 0"),
        (lambda: numbers("high"), TypeError, "Numbers: level must be a number, got 'high'"),
        (lambda: Threshold(np.float32(1.7)), ValueError, r"threshold must be in \[0.0, 1.0\]"),
        (lambda: Threshold(jnp.float32(1.7)), ValueError, r"threshold must be in \[0.0, 1.0\]"),
        (lambda: Tokens(np.int64(0)), ValueError, "Tokens: tokens must be at least 1, got 0"),
    ],
)
def test_refuses(make: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make()


def test_kinds_of_annotations() -> None:
    assert kinds(float | None) == kinds(Optional[float]) == {float, type(None)}  # noqa: UP045
    assert kinds(jax.Array) == kinds(float | jax.Array) == kinds(Any) == frozenset()
    assert as_annotated("Thing", "n", np.int32(3), int | None) == 3
    assert as_annotated("Thing", "n", np.int32(3), int | float).dtype == np.int32


def test_annotations_that_cannot_all_be_looked_up() -> None:
    class Late:
        level: "float"
        other: "Nowhere"  # noqa: F821  # pyright: ignore[reportUndefinedVariable]

    class Later(Late):
        count: "int"

    assert hints(Later) == {"level": float, "other": "Nowhere", "count": int}


def test_plain_numbers() -> None:
    assert type(plain(jnp.float32(0.5))) is float
    assert type(plain(np.bool(True))) is bool
    key = jax.random.key(0)
    assert plain(key) is key
