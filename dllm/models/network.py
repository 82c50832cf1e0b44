"""A transformer as the loop sees it: a pytree with `hidden`, `head` and `logits`."""

from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Bool, Float, Int

from dllm.models.config import Config
from dllm.models.transformer import Transformer
from samplers import VOID, part, static


@part
class Network:
    """Parameters are leaves, the graph of the flax module is static: split once, merged in traces.

    In float32 all products are full float32 on every backend; accelerators would round their
    inputs otherwise.
    """

    state: nnx.State
    mask: int = static()
    """The id that the model was trained to see at undecided positions."""
    graph: Any = static()

    def hidden(
        self, canvas: Int[Array, "rows length"], start: Int[Array, " rows"], window: int
    ) -> Float[Array, "rows window width"]:
        """States of `window` positions from each row's `start` on; see `dllm.Headed`."""
        states = self.states(jnp.where(canvas >= 0, canvas, self.mask), _lengths(canvas))
        return jax.vmap(lambda row, first: _window(row, first, window))(states, start)

    def head(self, hidden: Float[Array, "*batch width"]) -> Float[Array, "*batch vocab"]:
        """Logits of states."""
        with jax.default_matmul_precision(self._precision):
            return nnx.merge(self.graph, self.state).head(hidden)

    def logits(
        self, canvas: Int[Array, "rows length"], start: Int[Array, " rows"], window: int
    ) -> Float[Array, "rows window vocab"]:
        """See `dllm.Denoiser`."""
        return self.head(self.hidden(canvas, start, window))

    def states(
        self,
        ids: Int[Array, "rows length"],
        lengths: Int[Array, " rows"],
        visible: Bool[Array, "rows length"] | None = None,
    ) -> Float[Array, "rows length width"]:
        """States of every position before the last norm, from the model's own ids."""
        with jax.default_matmul_precision(self._precision):
            return nnx.merge(self.graph, self.state)(ids, lengths, visible)

    @property
    def dtype(self) -> jnp.dtype:
        """Of the parameters."""
        return jax.tree.leaves(self.state)[0].dtype

    @property
    def _precision(self) -> str:
        return "highest" if self.dtype == jnp.float32 else "default"


def abstract(config: Config, dtype: Any) -> tuple[Any, nnx.State]:
    """The graph of a transformer and its parameters as shapes only."""
    graph, state = nnx.split(nnx.eval_shape(lambda: Transformer(config, dtype)))
    return graph, state


def _lengths(canvas: Int[Array, "rows length"]) -> Int[Array, " rows"]:
    return jnp.sum(canvas != VOID, axis=-1, dtype=jnp.int32)


def _window(
    row: Float[Array, "length width"], start: Int[Array, ""], window: int
) -> Float[Array, "window width"]:
    # Clipped position by position: a slice past the end would move back as a whole.
    return row[jnp.minimum(start + jnp.arange(window), row.shape[0] - 1)]
