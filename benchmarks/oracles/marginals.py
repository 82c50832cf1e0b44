"""From completions that are equally likely to logits of every position."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

IMPOSSIBLE = -1e4
"""A logit whose exponential is 0 in float32, and that is finite."""


def of_completions(
    canvas: Int[Array, " length"],
    completions: Int[Array, "completions length"],
    exists: Bool[Array, " completions"],
    vocab: int,
) -> Float[Array, "length vocab"]:
    """Logits of each position given all decided ones, for completions that are equally likely.

    Where the decided tokens fit no completion, they are left out of account.
    """
    fits = jnp.all((canvas[None] < 0) | (canvas[None] == completions), axis=1) & exists
    share = jnp.where(jnp.any(fits), fits, exists).astype(jnp.float32)
    share = share / jnp.sum(share)
    return log(jnp.einsum("c,clv->lv", share, jax.nn.one_hot(completions, vocab)))


def log(probabilities: Float[Array, "length vocab"]) -> Float[Array, "length vocab"]:
    """Logarithms that are finite."""
    possible = probabilities > 0
    return jnp.where(possible, jnp.log(jnp.where(possible, probabilities, 1.0)), IMPOSSIBLE)


def window_of(
    logits: Float[Array, "length vocab"], start: Int[Array, ""], window: int
) -> Float[Array, "window vocab"]:
    """So many positions from one on, as `dllm.Denoiser` is asked for them."""
    return logits[jnp.minimum(start + jnp.arange(window), logits.shape[0] - 1)]
