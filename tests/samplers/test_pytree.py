"""Declaring schedulers and parts."""

import dataclasses
import itertools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from samplers import Scheduler, part, scheduler, static
from samplers.pytree import require
from samplers.scores import Confidence, Entropy, Margin


@scheduler
class Rule:
    level: float = 0.5
    mode: str = static(default="plain")

    def update(self, key: Any, state: Any, canvas: Any, prediction: Any, place: Any) -> Any: ...


def test_hyper_parameters_are_leaves_and_static_fields_are_not() -> None:
    assert jax.tree.leaves(Rule(0.25)) == [0.25]
    assert jax.tree.structure(Rule(0.25)) == jax.tree.structure(Rule(0.75))
    assert jax.tree.structure(Rule()) != jax.tree.structure(Rule(mode="other"))


def test_structures_tell_classes_apart() -> None:
    """A jit cache is looked up by them: equal structures may run each other's program."""
    structures = [jax.tree.structure(made) for made in (Confidence(), Entropy(), Margin())]
    assert len({str(made) for made in structures}) == 3
    for a, b in itertools.combinations(structures, 2):
        assert a != b
    assert jax.tree.structure(Confidence()) == structures[0]


def test_it_maps_over_leaves_of_any_kind() -> None:
    assert jax.tree.map(lambda leaf: (leaf, leaf), Rule(0.25)).level == (0.25, 0.25)
    paths = [jax.tree_util.keystr(path) for path, _ in jax.tree.leaves_with_path(Rule())]
    assert paths == [".level"]


def test_defaults_make_it_a_scheduler() -> None:
    assert isinstance(Rule(), Scheduler)
    rule: Any = Rule()
    assert rule.needs == frozenset()
    assert rule.plan(None) == 0


def test_it_is_frozen_and_compares_by_value() -> None:
    assert Rule(0.5) == Rule()
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(Rule(), "level", 1.0)  # noqa: B010  (the type checker refuses the plain form)


def test_text_has_to_be_static() -> None:
    with pytest.raises(TypeError, match=r"field mode is text .* mode: str = static\(default='a'\)"):

        @part
        class Loose:
            mode: str = "a"

    with pytest.raises(TypeError, match=r"field mode is text .* mode: str = static\(\)"):

        @part
        class Open:
            mode: str


def test_a_scheduler_needs_update() -> None:
    with pytest.raises(TypeError, match=r"Empty: a scheduler needs a method update\(self, key, st"):

        @scheduler
        class Empty:
            pass


def test_update_takes_the_contracts_arguments() -> None:
    with pytest.raises(
        TypeError, match=r"Odd: update must take \(self, key, .* got \(self, canvas"
    ):

        @scheduler
        class Odd:
            def update(self, canvas: Any) -> Any: ...


def test_needs_are_known() -> None:
    with pytest.raises(ValueError, match=r"Greedy: unknown needs \['all'\], the known are \['canv"):

        @scheduler
        class Greedy:
            needs = frozenset({"all", "own"})

            def update(
                self, key: Any, state: Any, canvas: Any, prediction: Any, place: Any
            ) -> Any: ...


def test_ranges_are_checked_on_numbers_and_not_on_arrays() -> None:
    require("Thing", "share", 0.5, 0, 1)
    require("Thing", "share", jnp.full(2, 7.0), 0, 1)
    require("Thing", "share", None, 0, 1)
    jax.jit(lambda share: require("Thing", "share", share, 0, 1))(7.0)
    for seven in (np.float32(7), np.int64(7), np.array(7.0), jnp.float32(7)):
        with pytest.raises(ValueError, match=r"Thing: share must be in \[0, 1\], got 7"):
            require("Thing", "share", seven, 0, 1)
    with pytest.raises(ValueError, match=r"Thing: share must be in \[0, 1\], got 7"):
        require("Thing", "share", 7, 0, 1)
    with pytest.raises(ValueError, match=r"Thing: share must be in \[0, 1\], got nan"):
        require("Thing", "share", float("nan"), 0, 1)
    with pytest.raises(ValueError, match="Thing: steps must be at least 1, got 0"):
        require("Thing", "steps", 0, 1)
