"""Gumbel noise for sampling tokens, a function of (row, block, step, position, token) alone.

A draw never depends on how a forward was cut into windows, vocabulary chunks or shards, nor on
padding: position and token id are the counter of one call of the Threefry generator. (Folding them
into keys would call it three times, and compiling it is most of a small program's compile time.)
"""

from typing import Protocol, runtime_checkable

import jax
import jax.numpy as jnp
from jax.extend.random import threefry2x32_p
from jaxtyping import Array, ArrayLike, Float, Int, PRNGKeyArray, UInt32

from samplers import part


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
        first, second = jax.random.key_data(key)
        # A call gives two numbers: to two neighbouring tokens.
        pairs = jnp.arange(-(-vocab // 2), dtype=jnp.uint32)[None]
        at = at.astype(jnp.uint32)[:, None]
        bits = threefry2x32_p.bind(*jnp.broadcast_arrays(first, second, at, pairs))
        drawn = jnp.stack(bits, axis=-1).reshape(at.shape[0], -1)[:, :vocab]
        return -jnp.log(-jnp.log(_uniform(drawn)))


def _uniform(bits: UInt32[Array, "window vocab"]) -> Float[Array, "window vocab"]:
    """Numbers strictly between 0 and 1, all 23 of float32's bits random."""
    ones = jax.lax.bitcast_convert_type(
        (bits >> jnp.uint32(9)) | jnp.uint32(0x3F800000), jnp.float32
    )
    return ones - 1 + jnp.float32(2**-24)


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
