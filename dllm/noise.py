"""Gumbel noise for sampling tokens, a function of (row, block, step, position, token) alone.

A draw never depends on how a forward was cut into windows, vocabulary chunks or shards, nor on
padding: each position folds its own number into the key, each granule of token ids another.
"""

from typing import Protocol, runtime_checkable

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float, Int, PRNGKeyArray

from samplers import part

GRANULE = 128
"""Token ids that share a key. A vocabulary chunk or shard may start at any multiple of it."""


@runtime_checkable
class Noise(Protocol):
    """Where Gumbel noise comes from."""

    def __call__(
        self, key: PRNGKeyArray, total: Int[Array, ""], at: Int[Array, " window"], vocab: int
    ) -> Float[Array, "window vocab"]:
        """The noise of the positions `at`; `total` is the step's number in the row."""
        ...


@part
class Fresh:
    """Noise from the row's key."""

    def __call__(
        self, key: PRNGKeyArray, total: Int[Array, ""], at: Int[Array, " window"], vocab: int
    ) -> Float[Array, "window vocab"]:
        del total
        granules = jnp.arange(-(-vocab // GRANULE))

        def of_position(position: Int[Array, ""]) -> Float[Array, " vocab"]:
            own = jax.random.fold_in(key, position)
            keys = jax.vmap(lambda granule: jax.random.fold_in(own, granule))(granules)
            drawn = jax.vmap(lambda k: jax.random.gumbel(k, (GRANULE,)))(keys)
            return drawn.reshape(-1)[:vocab]

        return jax.vmap(of_position)(at)


@part
class Recorded:
    """Noise that was recorded elsewhere, to replay a published run."""

    gumbel: ArrayLike
    """`[steps, length, vocab]`, the whole canvas at every step of the row."""

    def __call__(
        self, key: PRNGKeyArray, total: Int[Array, ""], at: Int[Array, " window"], vocab: int
    ) -> Float[Array, "window vocab"]:
        del key
        return jnp.asarray(self.gumbel, jnp.float32)[total][at, :vocab]
