"""From logits to predictions, against plain NumPy."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dllm
from dllm.noise import Fresh, Recorded
from dllm.propose import SCORES, Scene, constrain, filter_logits, guide, read
from samplers.vocab import argmax, summarise
from tests.reference import distributions

WINDOW, VOCAB = 6, 300


def _logits(seed: int, scale: float = 3.0) -> np.ndarray:
    return (scale * np.random.default_rng(seed).normal(size=(WINDOW, VOCAB))).astype(np.float32)


def _scene(seed: int = 0, **changed: Any) -> Scene:
    fields = {
        "key": jax.random.key(seed),
        "total": jnp.int32(0),
        "at": jnp.arange(WINDOW),
        "standing": jnp.full(WINDOW, dllm.MASK),
    }
    return Scene(**{**fields, **changed})


def _read(proposal: dllm.Proposal, logits: np.ndarray, needs: tuple[str, ...] = (), **scene: Any):
    return jax.jit(read, static_argnums=1)(proposal, frozenset(needs), _scene(**scene), logits)


@settings(max_examples=30)
@given(seed=st.integers(0, 10**6), scale=st.sampled_from([0.1, 3.0, 30.0]))
def test_scores_equal_numpy(seed: int, scale: float) -> None:
    logits = _logits(seed, scale)
    exact = distributions.softmax(logits.astype(np.float64))
    prediction = _read(dllm.Proposal(), logits)
    first, second = np.sort(exact)[:, [-1, -2]].T
    np.testing.assert_array_equal(prediction.tokens, exact.argmax(-1))
    np.testing.assert_allclose(prediction.confidence, first, rtol=1e-5)
    np.testing.assert_allclose(prediction.margin, first - second, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(prediction.gap, np.log(first / second), rtol=1e-4, atol=1e-4)
    entropy = -np.sum(exact * np.log(np.maximum(exact, 1e-300)), axis=-1)
    np.testing.assert_allclose(prediction.entropy, entropy, rtol=1e-4, atol=1e-12)
    assert prediction.log_probs is None
    assert prediction.own is None


def test_scores_keep_apart_what_is_nearly_certain() -> None:
    logits = np.zeros((WINDOW, VOCAB), np.float32)
    logits[:, 7] = np.linspace(25, 30, WINDOW)
    prediction = _read(dllm.Proposal(), logits)
    assert np.all(prediction.confidence == 1)
    assert np.all(np.diff(prediction.log_confidence) > 0)
    assert np.all(np.diff(prediction.entropy) < 0)


@pytest.mark.parametrize("vocab", [1, 5, 127, 128, 129, 1000])
def test_argmax_takes_the_lowest_of_equals(vocab: int) -> None:
    logits = np.random.default_rng(vocab).integers(0, 3, size=(20, vocab)).astype(np.float32)
    np.testing.assert_array_equal(jax.jit(argmax)(logits), logits.argmax(-1))
    np.testing.assert_array_equal(jax.jit(summarise)(logits).best, logits.argmax(-1))


@settings(max_examples=40)
@given(
    seed=st.integers(0, 10**6),
    top_p=st.none() | st.floats(0.05, 0.99),
    top_k=st.none() | st.integers(1, VOCAB + 5),
)
def test_filters_equal_numpy(seed: int, top_p: float | None, top_k: int | None) -> None:
    logits = _logits(seed)
    expected = logits.astype(np.float64)
    expected = expected if top_p is None else distributions.keep_top_p(expected, top_p)
    expected = expected if top_k is None else distributions.keep_top_k(expected, top_k)
    got = np.asarray(filter_logits(jnp.asarray(logits), top_p, top_k))
    differs = np.isfinite(got) != np.isfinite(expected)
    assert differs.sum() <= 1  # a cumulative sum may round across top_p
    np.testing.assert_array_equal(got[np.isfinite(got)], logits[np.isfinite(got)])


def test_filtered_scores_describe_what_is_left() -> None:
    logits = _logits(3)
    prediction = _read(dllm.Proposal(top_k=1, scores="filtered"), logits)
    np.testing.assert_allclose(prediction.confidence, 1)
    np.testing.assert_allclose(prediction.margin, 1)
    np.testing.assert_allclose(prediction.gap, _read(dllm.Proposal(), logits).gap, rtol=1e-5)


def test_unmasked_scores_are_the_models_own() -> None:
    logits = _logits(3)
    bits = np.random.default_rng(3).random(logits.shape) < 0.4
    constrained = _read(dllm.Proposal(), logits, allowed=jnp.asarray(bits))
    prediction = _read(dllm.Proposal(scores="unmasked"), logits, allowed=jnp.asarray(bits))
    np.testing.assert_array_equal(prediction.tokens, constrained.tokens)
    np.testing.assert_array_equal(prediction.gap, constrained.gap)
    exact = distributions.softmax(logits.astype(np.float64))
    expected = exact[np.arange(WINDOW), prediction.tokens]
    np.testing.assert_allclose(prediction.confidence, expected, rtol=1e-4)
    free = _read(dllm.Proposal(), logits)
    np.testing.assert_array_equal(prediction.entropy, free.entropy)
    np.testing.assert_array_equal(prediction.log_margin, free.log_margin)
    assert np.all(prediction.log_confidence <= constrained.log_confidence)


def test_guidance_is_lladas_formula() -> None:
    conditional, unconditional = jnp.asarray(_logits(1)), jnp.asarray(_logits(2))
    expected = unconditional + 2.5 * (conditional - unconditional)
    np.testing.assert_allclose(guide(conditional, unconditional, 1.5), expected, rtol=1e-6)


def test_suppressed_tokens_are_never_proposed() -> None:
    logits = _logits(4)
    banned = np.unique(logits.argmax(-1))
    prediction = _read(dllm.Proposal(suppress=banned), logits)
    assert not np.isin(prediction.tokens, banned).any()
    kept = np.delete(logits.astype(np.float64), banned, axis=-1)
    np.testing.assert_allclose(
        prediction.confidence, distributions.softmax(kept).max(-1), rtol=1e-5
    )


def test_distrusted_tokens_are_proposed_with_no_confidence() -> None:
    logits = _logits(5)
    best = logits.argmax(-1)
    prediction = _read(dllm.Proposal(distrust=best[:1]), logits)
    np.testing.assert_array_equal(prediction.tokens, best)
    assert prediction.confidence[0] == 0
    assert np.isfinite(prediction.log_confidence).all()
    others = np.delete(logits.astype(np.float64), best[0], axis=-1)
    np.testing.assert_allclose(
        prediction.confidence[1:], distributions.softmax(others).max(-1)[1:], rtol=1e-5
    )


def test_constraint_bits_forbid_and_close_positions() -> None:
    bits = np.zeros((WINDOW, VOCAB), bool)
    bits[1:, 10:20] = True
    logits = _logits(6)
    masked, allowed = constrain(jnp.asarray(logits), jnp.asarray(bits))
    assert allowed.tolist() == [False] + [True] * (WINDOW - 1)
    assert np.isfinite(masked[0]).all()
    prediction = _read(dllm.Proposal(), logits, allowed=jnp.asarray(bits))
    np.testing.assert_array_equal(prediction.tokens[1:], 10 + logits[1:, 10:20].argmax(-1))
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(prediction))


def test_needs_add_leaves() -> None:
    logits = _logits(7)
    standing = jnp.asarray([3, dllm.MASK, 5, dllm.VOID, 7, 8])
    prediction = _read(dllm.Proposal(), logits, ("log_probs", "own"), standing=standing)
    exact = distributions.softmax(logits.astype(np.float64))
    np.testing.assert_allclose(jnp.exp(prediction.log_probs), exact, rtol=1e-4, atol=1e-7)
    expected = [exact[0, 3], 0, exact[2, 5], 0, exact[4, 7], exact[5, 8]]
    np.testing.assert_allclose(prediction.own, expected, rtol=1e-4)


def test_impossible_tokens_stay_impossible_under_guidance() -> None:
    logits = np.array([[1.0, -np.inf, 2.0, 0.5]], np.float32)
    hidden = np.array([[0.5, -np.inf, -np.inf, 1.5]], np.float32)
    guided = guide(jnp.asarray(logits), jnp.asarray(hidden), np.float32(1))
    np.testing.assert_array_equal(guided, [[1.5, -np.inf, 2.0, -0.5]])


@pytest.mark.parametrize("scores", SCORES)
def test_predictions_stay_finite_where_nothing_is_trusted(scores: str) -> None:
    bits = np.zeros((WINDOW, VOCAB), bool)
    bits[:, 5] = True
    for proposal in (
        dllm.Proposal(distrust=(5,), scores=scores),
        dllm.Proposal(top_k=1, distrust=(5,), scores=scores),
    ):
        prediction = _read(proposal, _logits(1), ("log_probs", "own"), allowed=jnp.asarray(bits))
        assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(prediction))
        np.testing.assert_array_equal(prediction.tokens, 5)
        np.testing.assert_array_equal(prediction.confidence, 0)


def test_samples_follow_the_distribution() -> None:
    logits = np.tile(np.log(np.array([0.5, 0.3, 0.15, 0.05], np.float32)), (4000, 1))
    scene = _scene(1, at=jnp.arange(4000), standing=jnp.full(4000, dllm.MASK))
    prediction = read(dllm.Proposal(2.0), frozenset(), scene, jnp.asarray(logits))
    shares = np.bincount(prediction.tokens, minlength=4) / 4000
    expected = distributions.softmax(logits[0] / 2)
    np.testing.assert_allclose(shares, expected, atol=4 * np.sqrt(0.25 / 4000))
    chosen = np.exp(logits[0])[np.asarray(prediction.tokens)]
    np.testing.assert_allclose(prediction.confidence, chosen, rtol=1e-5)


def test_noise_belongs_to_a_position_and_a_token() -> None:
    key, total = jax.random.key(3), jnp.int32(0)
    whole = Fresh()(key, total, jnp.arange(20), 300)
    part = Fresh()(key, total, jnp.arange(12, 16), 300)
    np.testing.assert_array_equal(part, whole[12:16])
    np.testing.assert_array_equal(Fresh()(key, total, jnp.arange(20), 128), whole[:, :128])
    assert len(np.unique(whole)) > 5900


def test_recorded_noise_is_looked_up_by_step_and_position() -> None:
    table = np.arange(2 * 5 * 3, dtype=np.float32).reshape(2, 5, 3)
    noise = Recorded(table)(jax.random.key(0), jnp.int32(1), jnp.asarray([4, 2]), 3)
    np.testing.assert_array_equal(noise, table[1, [4, 2]])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"temperature": -0.1}, "Proposal: temperature must be at least 0.0, got -0.1"),
        ({"top_p": 1.5}, r"Proposal: top_p must be in \[0.0, 1.0\], got 1.5"),
        ({"top_k": 0}, "Proposal: top_k must be at least 1, got 0"),
        ({"guidance": -1.0}, "Proposal: guidance must be at least 0.0, got -1.0"),
        ({"suppress": (-3,)}, r"suppress must be a sequence of token ids, got \(-3,\)"),
        ({"distrust": (1.5,)}, r"distrust must be a sequence of token ids, got \(1.5,\)"),
        (
            {"scores": "cooked"},
            "Proposal: scores must be one of .*'raw', 'filtered', 'unmasked'.*, got 'coo",
        ),
    ],
)
def test_refuses_bad_options(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        dllm.Proposal(**options)


@settings(max_examples=10)
@given(seed=st.integers(0, 10**6), scale=st.sampled_from([0.1, 3.0, 30.0]))
def test_scores_in_half_precision(seed: int, scale: float) -> None:
    """Logits, probabilities, their difference, every term of the entropy."""
    logits = _logits(seed, scale)
    seen = _read(dllm.Proposal(rounding="bfloat16"), logits)
    exact = distributions.in_bfloat16(logits)
    np.testing.assert_array_equal(seen.tokens, exact.tokens)
    np.testing.assert_allclose(np.exp(seen.log_confidence), exact.confidence, rtol=1e-2)
    _are_bfloat16(np.exp(seen.log_confidence))
    np.testing.assert_allclose(np.exp(seen.log_margin), exact.margin, atol=1e-2)
    np.testing.assert_allclose(seen.entropy, exact.entropy, rtol=2e-2, atol=2e-2)


def test_half_precision_saturates() -> None:
    """0.999 is 1 with 8 bits, and then nothing is left of the runner-up's share in its favour."""
    logits = np.full((WINDOW, VOCAB), -1e3, np.float32)
    logits[:, 0], logits[:, 1] = 7, 0  # 0.99909
    seen = _read(dllm.Proposal(rounding="bfloat16"), logits)
    assert np.all(seen.log_confidence == 0)
    assert np.all(_read(dllm.Proposal(), logits).log_confidence < 0)
    with pytest.raises(ValueError, match=r"Proposal: rounding must be one of .*, got 'float16'"):
        dllm.Proposal(rounding="float16")


def _are_bfloat16(values: np.ndarray) -> None:
    near = values.astype(jnp.bfloat16).astype(np.float32)
    np.testing.assert_allclose(values, near, rtol=1e-6)
