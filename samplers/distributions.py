"""Whole distributions: reading them off a view, and predictions made from other ones."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from samplers.base import LOG_ZERO, Prediction, View


def log_probs_of(owner: str, vocab: int, view: View) -> Float[Array, "length vocab"]:
    """The view's log probabilities.

    Raises:
        ValueError: they are of another vocabulary than the owner's.
    """
    log_probs = view.prediction.log_probs
    assert log_probs is not None, f"{owner} must say that it needs log_probs"
    if log_probs.shape[-1] != vocab:
        raise ValueError(f"{owner}: vocab must be the model's {log_probs.shape[-1]}, got {vocab}")
    return log_probs


def reread(prediction: Prediction, logits: Float[Array, "length vocab"]) -> Prediction:
    """The prediction that softmax(logits) makes, at the positions that were seen.

    As in the model's own reading, the likeliest token is kept out of the sums, which near
    probability 1 have no digits left for the others.
    """
    peak = jnp.max(logits, axis=-1)
    tokens = jnp.argmax(logits, axis=-1).astype(jnp.int32)
    likeliest = jax.nn.one_hot(tokens, logits.shape[-1], dtype=bool)
    others = jnp.where(likeliest, -jnp.inf, logits - peak[:, None])
    gap = jnp.minimum(-jnp.max(others, axis=-1), -LOG_ZERO)
    weights = jnp.exp(others)
    log_norm = jnp.log1p(jnp.sum(weights, axis=-1))
    spread = jnp.sum(jnp.where(weights > 0, weights * others, 0), axis=-1)
    made = prediction._replace(
        tokens=tokens,
        log_confidence=-log_norm,
        log_margin=jnp.maximum(jnp.log(-jnp.expm1(-gap)) - log_norm, LOG_ZERO),
        gap=gap,
        entropy=log_norm - spread * jnp.exp(-log_norm),
        log_probs=jnp.maximum(logits - (peak + log_norm)[:, None], LOG_ZERO),
    )
    return jax.tree.map(lambda new, old: _where(prediction.seen, new, old), made, prediction)


def _where(seen: Array, new: Array, old: Array) -> Array:
    return jnp.where(jnp.expand_dims(seen, tuple(range(1, new.ndim))), new, old)
