"""The masked-diffusion objective: answers are masked by chance and guessed back.

Of LLaDA (https://arxiv.org/abs/2502.09992): a row draws t, each answer position is masked with
probability t, and its cross entropy counts 1 / t. Prompts are never masked; the end-of-text that
fills the window is learnt like the answer.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray, Shaped

from dllm.forward import Headed
from dllm.train.settings import ObjectiveSettings
from samplers import MASK


class Corrupted(NamedTuple):
    """Rows as the model sees them, and what it is asked for."""

    canvas: Int[Array, "rows positions"]
    start: Int[Array, " rows"]
    targets: Int[Array, "rows answer"]
    masked: Bool[Array, "rows answer"]
    weights: Float[Array, "rows answer"]
    """The loss is the sum of weights times cross entropies."""


class Guess(NamedTuple):
    """Sums over rows, so that pieces of a batch add up."""

    loss: Float[Array, ""]
    correct: Float[Array, ""]
    masked: Float[Array, ""]


def corrupt(
    key: Shaped[PRNGKeyArray, ""],
    canvas: Int[Array, "rows positions"],
    start: Int[Array, " rows"],
    answer: int,
    settings: ObjectiveSettings,
) -> Corrupted:
    """Masks answers, at least one position of each."""
    of_rate, of_mask, of_share = jax.random.split(key, 3)
    rows = canvas.shape[0]
    rates = stratified(of_rate, rows, settings.epsilon)
    whole = jax.random.uniform(of_share, (rows,)) < settings.full_mask
    rates = jnp.where(whole, 1.0, rates)[:, None]
    chance = jax.random.uniform(of_mask, (rows, answer))
    masked = (chance < rates) | (chance == jnp.min(chance, axis=1, keepdims=True))
    at = start[:, None] + jnp.arange(answer, dtype=jnp.int32)[None]
    targets = jnp.take_along_axis(canvas, at, axis=1)
    return Corrupted(
        _mask(canvas, start, masked), start, targets, masked, _weights(masked, rates, settings)
    )


def stratified(key: Shaped[PRNGKeyArray, ""], rows: int, epsilon: float) -> Float[Array, " rows"]:
    """Masking rates in [epsilon, 1], evenly spread over the batch from one random offset."""
    even = (jax.random.uniform(key) + jnp.arange(rows, dtype=jnp.float32) / rows) % 1.0
    return epsilon + (1 - epsilon) * even


class Likelihood(NamedTuple):
    """What logits say of given tokens."""

    log_prob: Float[Array, "rows answer"]
    best: Bool[Array, "rows answer"]
    """Whether no other token is likelier."""


def log_likelihood(
    logits: Float[Array, "rows answer vocab"], tokens: Int[Array, "rows answer"]
) -> Likelihood:
    """Log-probabilities of tokens, to be differentiated."""
    best = jax.lax.stop_gradient(jnp.max(logits, axis=-1))
    total = jnp.log(jnp.sum(jnp.exp(logits - best[..., None]), axis=-1)) + best
    # A comparison instead of a gather: its gradient is no scatter.
    vocabulary = jnp.arange(logits.shape[-1], dtype=tokens.dtype)
    is_token = vocabulary[None, None] == tokens[..., None]
    chosen = jnp.sum(jnp.where(is_token, logits, 0.0), axis=-1)
    return Likelihood(chosen - total, chosen >= best)


def guess(model: Headed, item: Corrupted) -> Guess:
    """The model's loss on corrupted rows."""
    logits = model.head(model.hidden(item.canvas, item.start, item.targets.shape[1]))
    log_prob, best = log_likelihood(logits, item.targets)
    correct = item.masked & best
    return Guess(
        jnp.sum(-item.weights * log_prob),
        jnp.sum(correct, dtype=jnp.float32),
        jnp.sum(item.masked, dtype=jnp.float32),
    )


def _mask(
    canvas: Int[Array, "rows positions"],
    start: Int[Array, " rows"],
    masked: Bool[Array, "rows answer"],
) -> Int[Array, "rows positions"]:
    answer = masked.shape[1]
    offset = jnp.arange(canvas.shape[1], dtype=jnp.int32)[None] - start[:, None]
    hit = jnp.take_along_axis(masked, jnp.clip(offset, 0, answer - 1), axis=1)
    return jnp.where(hit & (offset >= 0) & (offset < answer), MASK, canvas)


def _weights(
    masked: Bool[Array, "rows answer"], rates: Float[Array, "rows 1"], settings: ObjectiveSettings
) -> Float[Array, "rows answer"]:
    rows, answer = masked.shape
    counted = masked.astype(jnp.float32)
    if settings.weighting == "flat":
        return counted / jnp.sum(counted)
    # The chance to be masked, with that of being the one that is masked for want of any other.
    chance = rates + (1 - rates) ** answer / answer
    return counted / chance / (rows * answer)
