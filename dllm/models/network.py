"""A transformer as the loop sees it: a pytree with `hidden`, `head` and `logits`."""

from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jax.sharding import Mesh
from jaxtyping import Array, Bool, Float, Int

from dllm.caches import Span
from dllm.models.config import Config
from dllm.models.transformer import KeyValue, Seen, Transformer
from dllm.sharding.rules import MEMORY, ROWS, share, share_vocab
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
    mesh: Mesh | None = static(default=None)
    """The devices that parameters, rows and memory are cut over; `None`: one device."""

    def hidden(
        self, canvas: Int[Array, "rows length"], start: Int[Array, " rows"], window: int
    ) -> Float[Array, "rows window width"]:
        """States of `window` positions from each row's `start` on; see `dllm.Headed`."""
        return self.remember(canvas, start, window)[0]

    def head(self, hidden: Float[Array, "*batch width"]) -> Float[Array, "*batch vocab"]:
        """Logits of states."""
        with jax.default_matmul_precision(self._precision):
            logits = nnx.merge(self.graph, self.state).head(hidden)
        return share_vocab(self.mesh, logits)

    def logits(
        self, canvas: Int[Array, "rows length"], start: Int[Array, " rows"], window: int
    ) -> Float[Array, "rows window vocab"]:
        """See `dllm.Denoiser`."""
        return self.head(self.hidden(canvas, start, window))

    def remember(
        self, canvas: Int[Array, "rows length"], start: Int[Array, " rows"], window: int
    ) -> tuple[Float[Array, "rows window width"], tuple[KeyValue, ...]]:
        """See `dllm.Cached`."""
        whole = _whole(canvas.shape[1], _lengths(canvas))
        return self._run(self._ids(canvas), whole._replace(read=_window(canvas, start, window)))

    def recall(
        self,
        memory: tuple[KeyValue, ...],
        canvas: Int[Array, "rows length"],
        span: Span,
        window: int,
    ) -> Float[Array, "rows window width"]:
        """See `dllm.Cached`."""
        return self._over(memory, canvas, span, window)[0]

    @property
    def causal_block(self) -> int | None:
        """See `dllm.BlockCausal`."""
        return nnx.merge(self.graph, self.state).causal_block

    def store(
        self,
        memory: tuple[KeyValue, ...],
        canvas: Int[Array, "rows length"],
        span: Span,
        window: int,
    ) -> tuple[KeyValue, ...]:
        """See `dllm.BlockCausal`."""
        return self._over(memory, canvas, span, window)[1]

    def _over(
        self,
        memory: tuple[KeyValue, ...],
        canvas: Int[Array, "rows length"],
        span: Span,
        window: int,
    ) -> tuple[Float[Array, "rows window width"], tuple[KeyValue, ...]]:
        """Computes `window` positions from `span.start` on over what memory holds."""
        length = canvas.shape[1]
        at = span.start[:, None] + jnp.arange(window)[None]
        ids = jnp.take_along_axis(self._ids(canvas), jnp.minimum(at, length - 1), axis=1)
        nowhere = jnp.where(at < span.stop[:, None], at, length)
        return self._run(ids, Seen(nowhere, span.known, kept=memory))

    def review(
        self,
        canvas: Int[Array, "rows length"],
        start: Int[Array, " rows"],
        window: int,
        shadowed: Bool[Array, "rows window"],
    ) -> tuple[Float[Array, "rows window width"], Float[Array, "rows window width"]]:
        """See `dllm.Reviewing`."""
        at = start[:, None] + jnp.arange(window)[None]
        ids = jnp.concatenate([self._ids(canvas), jnp.full_like(at, self.mask)], axis=1)
        whole = jnp.broadcast_to(jnp.arange(canvas.shape[1])[None], canvas.shape)
        others = (canvas != VOID)[:, None] & (whole[:, None] != at[:, :, None])
        behind = jnp.broadcast_to(canvas.shape[1] + jnp.arange(window)[None], at.shape)
        beside = jnp.broadcast_to(shadowed[:, None], (*at.shape, window))
        seen = Seen(
            jnp.concatenate([whole, at], axis=1),
            _lengths(canvas),
            shadow=jnp.concatenate([others, beside], axis=-1),
            read=jnp.concatenate([_window(canvas, start, window), behind], axis=1),
        )
        states, _ = self._run(ids, seen)
        front, shadow = jnp.split(states, 2, axis=1)
        return front, shadow

    def states(
        self,
        ids: Int[Array, "rows length"],
        lengths: Int[Array, " rows"],
        visible: Bool[Array, "rows length"] | None = None,
    ) -> Float[Array, "rows length width"]:
        """States of every position before the last norm, from the model's own ids."""
        return self._run(ids, _whole(ids.shape[1], lengths)._replace(visible=visible))[0]

    def _run(
        self, ids: Int[Array, "rows computed"], seen: Seen
    ) -> tuple[Float[Array, "rows read width"], tuple[KeyValue, ...]]:
        with jax.default_matmul_precision(self._precision):
            states, kept = nnx.merge(self.graph, self.state)(share(self.mesh, ids, ROWS), seen)
        return share(self.mesh, states, ROWS), share(self.mesh, kept, MEMORY)

    def _ids(self, canvas: Int[Array, "rows length"]) -> Int[Array, "rows length"]:
        return jnp.where(canvas >= 0, canvas, self.mask)

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


def _whole(length: int, lengths: Int[Array, " rows"]) -> Seen:
    """Every position is computed."""
    return Seen(jnp.arange(length)[None], lengths)


def _lengths(canvas: Int[Array, "rows length"]) -> Int[Array, " rows"]:
    return jnp.sum(canvas != VOID, axis=-1, dtype=jnp.int32)


def _window(
    canvas: Int[Array, "rows length"], start: Int[Array, " rows"], window: int
) -> Int[Array, "rows window"]:
    """Positions from each row's start on; those past the end are the last one."""
    return jnp.minimum(start[:, None] + jnp.arange(window)[None], canvas.shape[1] - 1)
