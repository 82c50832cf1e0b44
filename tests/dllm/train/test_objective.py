"""The masked-diffusion loss against plain NumPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array, Float, Int

from dllm.train.objective import Corrupted, corrupt, guess, stratified
from dllm.train.settings import ObjectiveSettings
from samplers import MASK, VOID

ROWS, POSITIONS, ANSWER, VOCAB = 16, 12, 6, 11
START = np.arange(ROWS, dtype=np.int32) % (POSITIONS - ANSWER + 1)


def key(seed: int) -> Array:
    return jax.random.key(seed, impl="threefry2x32")


def canvas() -> np.ndarray:
    ids = np.random.default_rng(0).integers(0, VOCAB, (ROWS, POSITIONS)).astype(np.int32)
    return np.where(np.arange(POSITIONS)[None] < START[:, None] + ANSWER, ids, VOID)


def corrupted(seed: int = 0, **settings: float | str) -> Corrupted:
    chosen = ObjectiveSettings(**settings)  # type: ignore[arg-type]
    return corrupt(key(seed), jnp.asarray(canvas()), jnp.asarray(START), ANSWER, chosen)


class Table:
    """A model whose logits are given."""

    def __init__(self, logits: np.ndarray) -> None:
        self.table = jnp.asarray(logits)

    def hidden(
        self, canvas: Int[Array, "rows length"], start: Int[Array, " rows"], window: int
    ) -> Float[Array, "rows window width"]:
        return self.table

    def head(self, hidden: Float[Array, "*batch width"]) -> Float[Array, "*batch vocab"]:
        return hidden


def test_rates_are_stratified() -> None:
    for seed in range(5):
        rates = np.sort(stratified(key(seed), 8, 1e-3))
        assert rates.min() >= 1e-3
        assert rates.max() <= 1
        np.testing.assert_array_equal((rates - 1e-3) / (1 - 1e-3) * 8 // 1, np.arange(8))


def test_only_answers_are_masked_and_each_somewhere() -> None:
    before = canvas()
    for seed in range(5):
        item = corrupted(seed)
        after, masked = np.asarray(item.canvas), np.asarray(item.masked)
        assert masked.any(axis=1).all()
        for row, start in enumerate(START):
            window = slice(start, start + ANSWER)
            expected = before[row].copy()
            np.testing.assert_array_equal(item.targets[row], before[row, window])
            expected[window] = np.where(masked[row], MASK, before[row, window])
            np.testing.assert_array_equal(after[row], expected)


def test_full_mask() -> None:
    assert np.asarray(corrupted(full_mask=1.0).masked).all()
    share = np.mean([np.asarray(corrupted(s, full_mask=0.5).masked).all(1) for s in range(50)])
    assert 0.5 < share < 0.7  # some are masked whole by chance


def test_elbo_counts_every_position_once_on_average() -> None:
    draw = jax.jit(
        jax.vmap(
            lambda k: (
                corrupt(
                    k, jnp.asarray(canvas()), jnp.asarray(START), ANSWER, ObjectiveSettings()
                ).weights
            )
        )
    )
    weights = np.asarray(draw(jax.random.split(key(0), 4000)))
    assert weights.sum((1, 2)).mean() == pytest.approx(1, abs=0.02)
    np.testing.assert_allclose(weights.mean(0) * ROWS * ANSWER, 1, atol=0.3)


def test_flat_weights_are_a_mean() -> None:
    item = corrupted(weighting="flat")
    masked = np.asarray(item.masked)
    np.testing.assert_allclose(item.weights, masked / masked.sum(), rtol=1e-6)


@pytest.mark.parametrize("weighting", ["elbo", "flat"])
def test_loss_is_weighted_cross_entropy(weighting: str) -> None:
    item = corrupted(weighting=weighting)
    logits = np.random.default_rng(1).normal(size=(ROWS, ANSWER, VOCAB)).astype(np.float32) * 3
    shifted = logits.astype(np.float64)
    log_probs = shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))
    picked = np.take_along_axis(log_probs, np.asarray(item.targets)[..., None], -1)[..., 0]
    result = guess(Table(logits), item)
    expected = -(np.asarray(item.weights) * picked).sum()
    assert float(result.loss) == pytest.approx(expected, rel=1e-5)
    masked = np.asarray(item.masked)
    assert float(result.masked) == masked.sum()
    assert float(result.correct) == ((logits.argmax(-1) == np.asarray(item.targets)) & masked).sum()


def test_gradient_is_that_of_softmax() -> None:
    item = corrupted()
    logits = np.random.default_rng(1).normal(size=(ROWS, ANSWER, VOCAB)).astype(np.float32)
    gradient = jax.grad(lambda table: guess(Table(table), item).loss)(jnp.asarray(logits))
    probs = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    expected = probs - np.eye(VOCAB)[np.asarray(item.targets)]
    np.testing.assert_allclose(gradient, expected * np.asarray(item.weights)[..., None], atol=1e-6)


def test_huge_logits_stay_finite() -> None:
    logits = np.full((ROWS, ANSWER, VOCAB), -1e30, np.float32)
    logits[..., 0] = 1e30
    assert np.isfinite(guess(Table(logits), corrupted()).loss)
