"""A transformer as the loop sees it: a pytree with `hidden`, `head` and `logits`."""

from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jax.sharding import Mesh
from jaxtyping import Array, Bool, Float, Int

from dllm.caches import Span
from dllm.models.config import Config
from dllm.models.int8 import widened
from dllm.models.transformer import KeyValue, Seen, Transformer
from dllm.sharding.rules import MEMORY, ROWS, share, share_vocab
from samplers import MASK, VOID, part, static


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
            logits = self._whole_weights.head(hidden)
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
        seen = self._ranked(_whole(canvas.shape[1], _lengths(canvas)), canvas == MASK)
        return self._run(self._ids(canvas), seen._replace(read=self._window(canvas, start, window)))

    def recall(
        self,
        memory: tuple[KeyValue, ...],
        canvas: Int[Array, "rows length"],
        span: Span,
        window: int,
    ) -> Float[Array, "rows window width"]:
        """See `dllm.Cached`.

        A shifted model looks at the position before the window too, where its attention is
        block-causal: that is exact. Elsewhere the first position of the window has its own logits,
        as Fast-dLLM's code for Dream leaves it; its rules write that position beforehand.
        """
        if not self._switches.shifted:
            return self._over(memory, canvas, span, window)[0]
        if self.causal_block is None:
            states = self._over(memory, canvas, span, window)[0]
            return jnp.concatenate([states[:, :1], states[:, :-1]], axis=1)
        earlier = span._replace(start=span.start - 1)
        states = self._over(memory, canvas, earlier, window + 1)[0]
        own = jnp.where((span.start == 0)[:, None], states[:, 1], states[:, 0])
        return jnp.concatenate([own[:, None], states[:, 1:-1]], axis=1)

    @property
    def causal_block(self) -> int | None:
        """See `dllm.BlockCausal`. Causal attention is that of blocks of one position."""
        model = self._switches
        return 1 if model.reordered else model.causal_block

    @property
    def reordered(self) -> bool:
        """Whether decided positions come before all others, wherever they stand."""
        return self._switches.reordered

    @property
    def _switches(self) -> Transformer:
        """The transformer as it is kept, for what its config said."""
        return nnx.merge(self.graph, self.state)

    @property
    def _whole_weights(self) -> Transformer:
        return nnx.merge(self.graph, widened(self.state, self.dtype))

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
        ids = jnp.take_along_axis(self._ids(canvas), jnp.clip(at, 0, length - 1), axis=1)
        nowhere = jnp.where((at >= 0) & (at < span.stop[:, None]), at, length)
        seen = self._ranked(Seen(nowhere, span.known, kept=memory), canvas == MASK)
        return self._run(ids, seen)

    def review(
        self,
        canvas: Int[Array, "rows length"],
        start: Int[Array, " rows"],
        window: int,
        shadowed: Bool[Array, "rows window"],
    ) -> tuple[Float[Array, "rows window width"], Float[Array, "rows window width"]]:
        """See `dllm.Reviewing`.

        Raises:
            TypeError: the model predicts the next token, so that no input stands for its own.
        """
        if self._switches.shifted:
            raise TypeError(
                "review: needs a model that predicts each position in its own place, got one that "
                "predicts the next"
            )
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
            read=jnp.concatenate([self._window(canvas, start, window), behind], axis=1),
        )
        open_ = jnp.concatenate([canvas == MASK, jnp.ones_like(at, bool)], axis=1)
        states, _ = self._run(ids, self._ranked(seen, open_))
        front, shadow = jnp.split(states, 2, axis=1)
        return front, shadow

    def states(
        self,
        ids: Int[Array, "rows length"],
        lengths: Int[Array, " rows"],
        visible: Bool[Array, "rows length"] | None = None,
        positions: Int[Array, "rows length"] | None = None,
    ) -> Float[Array, "rows length width"]:
        """States of every position before the last norm, from the model's own ids.

        As the transformer computes them: nothing is shifted. `positions` are those that rotary
        embeddings are told of, where they are not 0, 1, 2 and so on.
        """
        seen = _whole(ids.shape[1], lengths)._replace(visible=visible)
        seen = self._ranked(seen, ids == self.mask)
        if positions is not None:
            seen = seen._replace(positions=positions)
        return self._run(ids, seen)[0]

    def _ranked(self, seen: Seen, undecided: Bool[Array, "rows keys"]) -> Seen:
        """The same with the ranks that limit attention; `undecided` says it of every key."""
        model, keys = self._switches, undecided.shape[1]
        reordered, block = model.reordered, model.causal_block
        at = jnp.arange(keys)[None] if seen.shadow is None else seen.positions
        if not reordered:
            if block is None:
                return seen
            return seen._replace(rank=seen.positions // block, key_rank=at // block)
        # Undecided ones rank behind all others; they need not be moved there.
        rank = at + keys * undecided.astype(jnp.int32)
        if seen.kept is None:
            return seen._replace(rank=rank, key_rank=rank)
        own = jnp.take_along_axis(rank, jnp.minimum(seen.positions, keys - 1), axis=1)
        return seen._replace(rank=own, key_rank=rank)

    def _window(
        self, canvas: Int[Array, "rows length"], start: Int[Array, " rows"], window: int
    ) -> Int[Array, "rows window"]:
        """The positions whose states a window's logits are made of, within the canvas."""
        first = start - 1 if self._switches.shifted else start
        return jnp.clip(first[:, None] + jnp.arange(window)[None], 0, canvas.shape[1] - 1)

    def _run(
        self, ids: Int[Array, "rows computed"], seen: Seen
    ) -> tuple[Float[Array, "rows read width"], tuple[KeyValue, ...]]:
        seen = seen._replace(mesh=self.mesh)
        with jax.default_matmul_precision(self._precision):
            states, kept = self._whole_weights(share(self.mesh, ids, ROWS), seen)
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
