"""Whole distributions: reading them off a view, and predictions made from other ones."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from samplers.base import LOG_ZERO, Prediction, View
from samplers.vocab import summarise


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
    """The prediction that softmax(logits) makes, at the positions that were seen."""
    # Written once: each of the reductions would compute the logits again.
    logits = jax.lax.optimization_barrier(logits)
    summary = summarise(logits)
    margin = jnp.log(-jnp.expm1(-summary.gap)) - summary.log_norm
    made = prediction._replace(
        tokens=summary.best,
        log_confidence=-summary.log_norm,
        log_margin=jnp.maximum(margin, LOG_ZERO),
        gap=jnp.minimum(summary.gap, -LOG_ZERO),
        entropy=summary.entropy,
        log_probs=jnp.maximum(logits - (summary.peak + summary.log_norm)[:, None], LOG_ZERO),
    )
    return jax.tree.map(lambda new, old: _where(prediction.seen, new, old), made, prediction)


def _where(seen: Array, new: Array, old: Array) -> Array:
    return jnp.where(jnp.expand_dims(seen, tuple(range(1, new.ndim))), new, old)
