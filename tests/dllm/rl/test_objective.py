"""The consistency-trajectory objective against plain NumPy."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array

from dllm.rl.objective import (
    Coefficients,
    Measured,
    advantages,
    log_probs,
    measure,
    weights,
)
from samplers import MASK
from tests.reference import cjgrpo

ROWS, STEPS, POSITIONS = 6, 5, 7
TAKEN = np.array([5, 3, 4, 1, 5, 2])


class Case:
    """Random answers that took different numbers of transitions."""

    def __init__(self, seed: int) -> None:
        random = np.random.default_rng(seed)
        shape = (ROWS, STEPS, POSITIONS)
        self.new, self.old, self.reference = random.normal(-2, 0.4, (3, *shape)).astype(np.float32)
        at = random.integers(STEPS, size=(ROWS, POSITIONS)) % TAKEN[:, None]
        self.written = at[:, None] == np.arange(STEPS)[None, :, None]
        # What is not written may be anything.
        self.reference[~self.written], self.old[~self.written] = 200.0, -200.0
        self.gains = advantages(random.normal(size=ROWS), 3)
        self.epsilon, self.beta = random.uniform(0.1, 0.5), random.uniform(0, 0.2)

    def counts(self, normalisation: str) -> Array:
        return weights(self.written, TAKEN, normalisation)

    def measure(self, new: Any, normalisation: str) -> tuple[Array, Measured]:
        gains = np.broadcast_to(self.gains[:, None], (ROWS, STEPS)).astype(np.float32)
        told = Coefficients(self.epsilon, self.beta)
        counts = self.counts(normalisation)
        measured = measure(
            jnp.asarray(new),
            jnp.asarray(self.old),
            jnp.asarray(self.reference),
            jnp.asarray(gains),
            counts,
            told,
        )
        return measured.loss, measured

    def expected(self, normalisation: str) -> cjgrpo.Result:
        return cjgrpo.objective(
            self.new,
            self.old,
            self.reference,
            self.written,
            TAKEN.tolist(),
            self.gains.tolist(),
            beta=self.beta,
            epsilon=self.epsilon,
            normalisation=normalisation,
        )


@pytest.mark.parametrize("normalisation", ["paper", "code"])
@pytest.mark.parametrize("seed", range(4))
def test_loss_and_gradient(seed: int, normalisation: str) -> None:
    case = Case(seed)
    slope = jax.grad(case.measure, has_aux=True)
    gradient, measured = slope(jnp.asarray(case.new), normalisation)
    expected = case.expected(normalisation)
    np.testing.assert_allclose(gradient, expected.gradient, atol=1e-6)
    got = [float(value) for value in measured]
    figures = [expected.loss, expected.kl, expected.clipped, expected.outside]
    np.testing.assert_allclose(got, figures, atol=1e-5)


def test_a_group_is_held_against_its_mean() -> None:
    rewards = [2.5, 0.5, 1.0, 0.25, 4.0, 4.0]
    for group in (1, 2, 3, 6):
        expected = cjgrpo.group_advantages(rewards, group)
        np.testing.assert_allclose(advantages(np.array(rewards), group), expected)
    assert advantages(jnp.asarray(rewards), 2).tolist() == [1, -1, 0.375, -0.375, 0, 0]
    with pytest.raises(ValueError, match="group must divide the 6 rewards, got 4"):
        advantages(np.array(rewards), 4)


def test_weights_add_up_to_one() -> None:
    case = Case(0)
    written = case.written.any(axis=2)
    everybody = written == (np.arange(STEPS) < TAKEN[:, None])
    assert not everybody.all()  # some transitions wrote nothing
    for normalisation in ("paper", "code"):
        assert np.all((np.asarray(case.counts(normalisation)) > 0) == case.written)
    full = np.ones((2, 3, 4), bool)
    for normalisation in ("paper", "code"):
        np.testing.assert_allclose(weights(full, np.array([3, 3]), normalisation), 1 / 24)
    with pytest.raises(ValueError, match="must be one of paper, code, got 'mean'"):
        weights(full, np.array([3, 3]), "mean")


def test_first_update_has_ratio_one_and_zero_advantage_no_gradient() -> None:
    case = Case(1)
    case.old = case.new
    gradient, measured = jax.grad(case.measure, has_aux=True)(jnp.asarray(case.new), "paper")
    assert float(measured.outside) == float(measured.clipped) == 0
    assert np.abs(gradient).max() > 0
    case.gains, case.beta = np.zeros(ROWS), 0.0
    still, _ = jax.grad(case.measure, has_aux=True)(jnp.asarray(case.new), "paper")
    assert not np.any(still)
    case.beta = 0.1
    pulled, _ = jax.grad(case.measure, has_aux=True)(jnp.asarray(case.new), "paper")
    np.testing.assert_allclose(pulled, case.expected("paper").gradient, atol=1e-6)


class Table:
    """A model whose logits are given."""

    def __init__(self, logits: np.ndarray) -> None:
        self.table = jnp.asarray(logits)

    def logits(self, canvas: Any, start: Any, window: int) -> Array:
        at = start[:, None] + jnp.arange(window)[None]
        return jnp.take_along_axis(self.table, at[..., None], axis=1)


def test_log_probs_are_those_of_the_distribution_that_was_drawn_from() -> None:
    logits = np.random.default_rng(0).normal(size=(2, 6, 5)).astype(np.float32)
    start, targets = np.array([1, 3], np.int32), np.array([[0, MASK, 3], [2, 1, MASK]], np.int32)
    canvas = np.full((2, 6), MASK, np.int32)
    asked = [jnp.asarray(each) for each in (canvas, start, targets)]
    got = np.asarray(log_probs(Table(logits), *asked, temperature=0.5, never=(4,)))
    for row, at in np.argwhere(targets >= 0):
        scores = logits[row, start[row] + at, :4] / 0.5
        expected = scores[targets[row, at]] - np.log(np.exp(scores).sum())
        assert got[row, at] == pytest.approx(float(expected), abs=1e-5)
    assert not np.any(got[targets == MASK])
