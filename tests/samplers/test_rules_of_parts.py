"""Selections and budgets against plain NumPy, on the same float32 scores."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import dllm
from dllm.toy import random_chain
from samplers.base import View
from samplers.budgets import Dream, Even
from samplers.ranking import rank, uniform
from samplers.scores import Confidence, Entropy, LeftToRight, Margin, Random, Tempered
from samplers.selections import Factor, Threshold, TopK
from tests.reference import distributions, selections

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


@given(confidences=CONFIDENCES, eligible=ELIGIBLE, least=st.integers(0, 64))
def test_threshold(confidences: np.ndarray, eligible: np.ndarray, least: int) -> None:
    expected = selections.threshold(confidences, eligible, least / 64)
    _assert_chooses(Threshold(least / 64), confidences, eligible, expected)


@given(confidences=CONFIDENCES, eligible=ELIGIBLE, phi=st.sampled_from([0.0, 0.37, 0.9, 1.3, 3.1]))
def test_factor(confidences: np.ndarray, eligible: np.ndarray, phi: float) -> None:
    for published, last in ((False, "bound"), (True, "free")):
        expected = selections.factor(confidences, eligible, phi, published=published)
        _assert_chooses(Factor(jnp.float32(phi), last), confidences, eligible, expected)


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
def test_even_schedule_of_a_block(holes: int, steps: int, blocks: int) -> None:
    budget = Even(jnp.int32(steps * blocks))
    memory = budget.init(jnp.zeros(LENGTH, jnp.int32))
    shares = []
    for step in range(steps + 1):
        left = holes if step == 0 else 0  # only the count at the block's entry matters
        view = _view(np.arange(LENGTH) < left, place=_place(blocks=blocks, step=step))
        share, memory = budget(memory, view)
        shares.append(int(share))
    assert shares == [*selections.even(holes, steps), 0]


@given(steps=st.integers(1, 60), blocks=st.integers(1, 9))
def test_even_shares_all_steps_out(steps: int, blocks: int) -> None:
    budget = Even(steps)
    plans = [int(budget.plan(_place(block=block, blocks=blocks))) for block in range(blocks)]
    assert plans == selections.shares_of_blocks(steps, blocks)
    assert sum(plans) == steps or (steps < blocks and min(plans) == 1)
    assert steps % blocks or plans == [steps // blocks] * blocks


def test_even_spends_steps_that_do_not_divide() -> None:
    ended = dllm.decode(random_chain(0), dllm.rows([[1]], 16, 4), dllm.rule("llada", steps=10))
    assert ended.forwards.tolist() == [10]
    assert ended.outcome.tolist() == [dllm.Outcome.FILLED]


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


DRAWS = 20000


def _first_draws(tempered: Tempered, prediction: dllm.Prediction, eligible: int) -> np.ndarray:
    """How often each position ranks first."""
    view = _view(np.arange(LENGTH) < eligible)._replace(prediction=prediction)

    def best(key: jax.Array) -> jax.Array:
        scores, _ = tempered(tempered.init(view.canvas), view._replace(key=key))
        return jnp.argmax(jnp.where(view.eligible, scores, -jnp.inf))

    keys = jax.random.split(jax.random.key(0), DRAWS)
    return np.bincount(jax.jit(jax.vmap(best))(keys), minlength=eligible) / DRAWS


def test_dreams_entropy_draws_by_the_entropy_itself() -> None:
    entropy = jnp.asarray([0.1, 1.0, 2.0, 3.0] + [0.0] * (LENGTH - 4))
    prediction = _view(np.ones(LENGTH, bool)).prediction._replace(entropy=entropy)
    shares = _first_draws(Tempered(Entropy(), 0.5), prediction, 4)
    expected = distributions.first_draw(-np.asarray(entropy[:4]), 0.5)
    np.testing.assert_allclose(expected, [0.840, 0.139, 0.019, 0.003], atol=1e-3)
    np.testing.assert_allclose(shares, expected, atol=0.01)


DREAM_SCORES = {"maskgit_plus": Confidence(), "topk_margin": Margin(), "entropy": Entropy()}


@pytest.mark.parametrize("algorithm", DREAM_SCORES)
@pytest.mark.parametrize("temperature", [0.2, 1.0])
def test_tempered_draws_in_proportion(algorithm: str, temperature: float) -> None:
    logits = 3 * np.random.default_rng(0).normal(size=(6, 8))
    spread = np.pad(logits, ((0, LENGTH - 6), (0, 0)))
    p = np.sort(distributions.softmax(spread))
    prediction = _view(np.ones(LENGTH, bool)).prediction._replace(
        log_confidence=jnp.asarray(np.log(p[:, -1]), jnp.float32),
        log_margin=jnp.asarray(np.log(np.maximum(p[:, -1] - p[:, -2], 1e-9)), jnp.float32),
        entropy=jnp.asarray(-(p * np.log(p)).sum(-1), jnp.float32),
    )
    shares = _first_draws(Tempered(DREAM_SCORES[algorithm], temperature), prediction, 6)
    published = distributions.dream_score(logits, algorithm)
    expected = distributions.first_draw(published, temperature)
    np.testing.assert_allclose(shares, expected, atol=0.015)


def test_tempered_draws_without_replacement() -> None:
    """The best two of the tempered scores are two draws, the second from what the first left."""
    entropy = jnp.asarray([0.1, 1.0, 2.0] + [0.0] * (LENGTH - 3))
    view = _view(np.arange(LENGTH) < 3)
    view = view._replace(prediction=view.prediction._replace(entropy=entropy))

    def second(key: jax.Array) -> jax.Array:
        scores, _ = Tempered(Entropy(), 1.0)((), view._replace(key=key))
        return jnp.argmax(rank(scores, view.eligible) == 1)

    keys = jax.random.split(jax.random.key(1), DRAWS)
    shares = np.bincount(jax.jit(jax.vmap(second))(keys), minlength=3) / DRAWS
    expected = distributions.second_draw(-np.asarray(entropy[:3]), 1.0)
    np.testing.assert_allclose(shares, expected, atol=0.015)


def test_a_tempered_random_score_draws_twice() -> None:
    """Its order is not that of the score alone, as it is when both use the same numbers."""
    view = _view(np.ones(LENGTH, bool))
    own, _ = jax.random.split(view.key)
    tempered, _ = Tempered(Random(), 1.0)((), view)
    linear = jnp.exp(Random()(view._replace(key=own)))
    noise = np.asarray(tempered - linear)
    assert np.argsort(noise).tolist() != np.argsort(linear).tolist()
    assert np.argsort(tempered).tolist() != np.argsort(Random()(view)).tolist()


def test_tempered_positions_keep_their_order_at_low_temperature() -> None:
    """Far positions too, whose exponentials the noise would drown."""
    view = _view(np.ones(LENGTH, bool))
    scores, _ = Tempered(LeftToRight(), 1e-3)((), view)
    assert np.all(np.diff(scores) < 0)
    twice, _ = Tempered(Tempered(LeftToRight(), 1e-3), 1e-3)((), view)
    assert np.all(np.diff(twice) < 0)
