"""Selections and budgets against plain NumPy, on the same float32 scores."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import dllm
from samplers.base import View
from samplers.budgets import Dream, Even
from samplers.ranking import rank, uniform
from samplers.scores import Confidence, Entropy, LeftToRight, Random, Tempered
from samplers.selections import Factor, FactorPublished, Threshold, TopK
from tests.reference import selections

LENGTH = 12


def _place(**changed: int) -> dllm.Place:
    fields = {
        "prompt": 0,
        "start": 0,
        "end": LENGTH,
        "block": 0,
        "blocks": 1,
        "step": 0,
        "total": 0,
    }
    return dllm.Place(**{name: jnp.int32(v) for name, v in {**fields, **changed}.items()})


def _view(eligible: np.ndarray, **changed: Any) -> View:
    zeros, falses = jnp.zeros(LENGTH), jnp.zeros(LENGTH, bool)
    prediction = dllm.Prediction(
        jnp.zeros(LENGTH, jnp.int32), zeros, zeros, zeros, zeros, falses, falses
    )
    canvas = jnp.where(jnp.asarray(eligible), dllm.MASK, 1)
    fields = {
        "key": jax.random.key(0),
        "canvas": canvas,
        "prediction": prediction,
        "place": _place(),
        "eligible": jnp.asarray(eligible),
    }
    return View(**{**fields, **changed})


@jax.jit
def _choose(select: Any, view: View, scores: jax.Array, budget: jax.Array) -> jax.Array:
    return select(view, scores, budget) & view.eligible


# Confidences of few digits, so that ties and values on a threshold are common.
CONFIDENCES = arrays.arrays(
    np.float32, LENGTH, elements=st.integers(1, 64).map(lambda n: np.float32(n / 64))
)
ELIGIBLE = arrays.arrays(bool, LENGTH).filter(np.any)


def _assert_chooses(
    select: Any, confidences: np.ndarray, eligible: np.ndarray, expected: list[int], budget: int = 1
) -> None:
    scores = jnp.log(jnp.asarray(confidences))
    chosen = _choose(select, _view(eligible), scores, jnp.int32(budget))
    assert np.flatnonzero(chosen).tolist() == sorted(expected)


@given(confidences=CONFIDENCES, eligible=ELIGIBLE, budget=st.integers(0, LENGTH + 2))
def test_top_k(confidences: np.ndarray, eligible: np.ndarray, budget: int) -> None:
    expected = selections.top_k(confidences, eligible, budget)
    _assert_chooses(TopK(), confidences, eligible, expected, budget)


@given(confidences=CONFIDENCES, eligible=ELIGIBLE, least=st.integers(0, 70))
def test_threshold(confidences: np.ndarray, eligible: np.ndarray, least: int) -> None:
    expected = selections.threshold(confidences, eligible, least / 64)
    _assert_chooses(Threshold(jnp.float32(least / 64)), confidences, eligible, expected)


@given(confidences=CONFIDENCES, eligible=ELIGIBLE, phi=st.sampled_from([0.0, 0.37, 0.9, 1.3, 3.1]))
def test_factor(confidences: np.ndarray, eligible: np.ndarray, phi: float) -> None:
    for published, rule in ((False, Factor), (True, FactorPublished)):
        expected = selections.factor(confidences, eligible, phi, published=published)
        _assert_chooses(rule(jnp.float32(phi)), confidences, eligible, expected)


@given(confidences=CONFIDENCES, eligible=ELIGIBLE)
def test_rank_orders_eligible_positions_first(
    confidences: np.ndarray, eligible: np.ndarray
) -> None:
    ranks = np.asarray(rank(jnp.asarray(confidences), jnp.asarray(eligible)))
    expected = selections.by_rank(confidences, eligible)
    assert [int(ranks[i]) for i in expected] == list(range(len(expected)))
    assert sorted(ranks.tolist()) == list(range(LENGTH))


@settings(max_examples=40)
@given(holes=st.integers(0, LENGTH), steps=st.integers(1, 30), blocks=st.integers(1, 3))
def test_even_schedule(holes: int, steps: int, blocks: int) -> None:
    budget = Even(jnp.int32(steps * blocks))
    memory = budget.init(jnp.zeros(LENGTH, jnp.int32))
    shares = []
    for step in range(steps + 1):
        left = holes if step == 0 else 0  # only the count at the block's entry matters
        view = _view(np.arange(LENGTH) < left, place=_place(blocks=blocks, step=step))
        share, memory = budget(memory, view)
        shares.append(int(share))
    assert shares == [*selections.even(holes, steps), 0]


@settings(max_examples=60)
@given(
    holes=st.integers(0, LENGTH),
    steps=st.integers(1, 300),
    eps=st.sampled_from([1e-3, 1e-12, 0.0, 0.3]),
    data=st.data(),
)
def test_dream_schedule(holes: int, steps: int, eps: float, data: st.DataObject) -> None:
    step = data.draw(st.integers(0, steps - 1))
    view = _view(np.arange(LENGTH) < holes, place=_place(step=step))
    assert int(Dream.of(steps, eps)(view)) == selections.dream(holes, steps, step, eps)


def test_dreams_first_and_last_step() -> None:
    shares = np.float32(32) * np.asarray(Dream.of(32).shares)
    assert np.trunc(shares[:3]).tolist() == [0, 1, 1]
    jax.tree.map(np.testing.assert_array_equal, Dream.of(8, blocks=4), Dream.of(2))


def test_scores() -> None:
    view = _view(np.ones(LENGTH, bool))
    surer = view.prediction._replace(entropy=jnp.arange(LENGTH, dtype=jnp.float32))
    assert np.all(np.diff(Entropy()(view._replace(prediction=surer))) < 0)
    assert np.all(np.diff(LeftToRight()(view)) < 0)
    fresh = Random()(view)
    assert len(np.unique(fresh)) == LENGTH
    assert np.any(fresh != Random()(view._replace(key=jax.random.key(1))))
    table = np.linspace(0, 1, 2 * LENGTH).reshape(2, LENGTH)
    replayed = Random(table)(view._replace(place=_place(total=1)))
    np.testing.assert_allclose(np.exp(replayed), table[1], rtol=1e-6)


def test_draws_do_not_depend_on_length() -> None:
    key = jax.random.key(5)
    np.testing.assert_array_equal(uniform(key, 9), uniform(key, 40)[:9])


def test_tempered_draws_in_proportion() -> None:
    """The best of score / T + Gumbel is a draw from softmax(score / T)."""
    confidences = jnp.asarray([0.9, 0.5, 0.1] + [1e-9] * (LENGTH - 3))
    view = _view(np.arange(LENGTH) < 3)
    view = view._replace(prediction=view.prediction._replace(log_confidence=jnp.log(confidences)))
    tempered = Tempered(Confidence(), 0.5)

    def best(key: jax.Array) -> jax.Array:
        scores, _ = tempered((), view._replace(key=key))
        return jnp.argmax(jnp.where(view.eligible, scores, -jnp.inf))

    keys = jax.random.split(jax.random.key(0), 4000)
    shares = np.bincount(jax.vmap(best)(keys), minlength=3) / 4000
    expected = np.exp(np.array([0.9, 0.5, 0.1]) / 0.5)
    np.testing.assert_allclose(shares, expected / expected.sum(), atol=0.03)
