"""From completions that are equally likely to logits of every position."""

from abc import abstractmethod

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from dllm.toy import Alone

IMPOSSIBLE = -1e4
"""A logit whose exponential is 0 in float32, and that is finite."""


class Whole(Alone):
    """An oracle that is asked about a row at a time, and answers for all of its positions."""

    @abstractmethod
    def _row(self, canvas: Int[Array, " length"]) -> Float[Array, "length vocab"]:
        """Logits of every position of a row; what stands behind the last is not asked for."""

    def logits(
        self, canvas: Int[Array, "rows length"], start: Int[Array, " rows"], window: int
    ) -> Float[Array, "rows window vocab"]:
        """See `dllm.Denoiser`."""

        def of_row(row: Int[Array, " length"], start: Int[Array, ""]) -> Array:
            logits = self._row(row)
            return logits[jnp.minimum(start + jnp.arange(window), logits.shape[0] - 1)]

        return jax.vmap(of_row)(canvas, start)


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
