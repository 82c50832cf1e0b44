"""The transformer that all families share, in flax.nnx; what differs are switches of its config.

Weights keep the layout of the checkpoints, `[out, in]`: XLA contracts either axis at the same
speed, and loading is then a plain copy. Norms, rotary tables and softmax are float32 in every
dtype.
"""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx
from jax.sharding import Mesh
from jaxtyping import Array, Bool, DTypeLike, Float, Int, Shaped

from dllm.models.attention import Heads, attend
from dllm.models.config import Config
from dllm.models.mixture import Mixture
from dllm.models.mlp import MLP, Linear, product


class KeyValue(NamedTuple):
    """Keys and values of one layer, by position."""

    key: Float[Array, "rows length kv_heads dim"]
    value: Float[Array, "rows length kv_heads dim"]


class Seen(NamedTuple):
    """Where the computed positions stand, and what they attend to."""

    positions: Int[Array, "#rows computed"]
    lengths: Int[Array, " rows"]
    """Positions from here on do not exist."""
    visible: Bool[Array, "rows length"] | None = None
    """Replaces `lengths` where positions are missing in other places."""
    shadow: Bool[Array, "rows shadow computed"] | None = None
    """What the last of the computed positions attend to; nothing else attends to these."""
    kept: Sequence[KeyValue] | None = None
    """A layer each: what the positions that are not computed were."""
    rank: Int[Array, "#rows computed"] | None = None
    """Keys of a higher rank are not attended to; left out, every key that exists is."""
    key_rank: Int[Array, "#rows keys"] | None = None
    """The rank of each key; given with `rank`."""
    read: Int[Array, "rows read"] | None = None
    """Which of the computed positions the last layer's states are wanted of; `None`: of all."""
    mesh: Mesh | None = None
    """The devices that rows and experts are cut over."""

    def pick(self, x: Shaped[Array, "rows computed *rest"]) -> Shaped[Array, "rows read *rest"]:
        """Of what is known of all computed positions, that of those read."""
        if self.read is None:
            return x
        return jax.vmap(lambda row, at: row[at])(x, self.read)

    def asking(self) -> "Seen":
        """As the positions that are read see it."""
        if self.read is None:
            return self
        shape = (self.read.shape[0], self.positions.shape[1])
        positions = self.pick(jnp.broadcast_to(self.positions, shape))
        rank = None if self.rank is None else self.pick(jnp.broadcast_to(self.rank, shape))
        return self._replace(positions=positions, rank=rank)

    def mask(self, keys: int) -> Bool[Array, "#rows #computed keys"] | None:
        """What each computed position attends to, unless a length says it."""
        visible = None if self.visible is None else self.visible[:, None]
        if self.rank is None or self.key_rank is None:
            return visible
        at = jnp.arange(keys)[None, None]
        exists = at < self.lengths[:, None, None] if visible is None else visible
        return exists & (self.key_rank[:, None, :keys] <= self.rank[:, :, None])

    def shadow_mask(self) -> Bool[Array, "rows shadow computed"]:
        """What a shadow attends to."""
        assert self.shadow is not None
        if self.rank is None or self.key_rank is None:
            return self.shadow
        own = self.rank[:, -self.shadow.shape[1] :]
        return self.shadow & (self.key_rank[:, None] <= own[:, :, None])

    def join(self, layer: int, fresh: KeyValue) -> KeyValue:
        """A layer's keys and values of all positions."""
        if self.kept is None:
            return fresh
        rows = jnp.arange(self.positions.shape[0])[:, None]
        # Positions past the end are computed for nothing and dropped.
        put = [
            old.at[rows, self.positions].set(new, mode="drop")
            for old, new in zip(self.kept[layer], fresh, strict=True)
        ]
        return KeyValue(*put)


class RMSNorm(nnx.Module):
    """Root-mean-square norm; the weight is multiplied in the activations' dtype, as published."""

    def __init__(self, width: int, eps: float, dtype: DTypeLike) -> None:
        self.weight = nnx.Param(jnp.ones((width,), dtype))
        self.eps = eps

    def __call__(self, x: Float[Array, "*batch width"]) -> Float[Array, "*batch width"]:
        wide = x.astype(jnp.float32)
        scale = jax.lax.rsqrt(jnp.mean(jnp.square(wide), axis=-1, keepdims=True) + self.eps)
        return jnp.einsum("...w,w->...w", (wide * scale).astype(x.dtype), self.weight[...])


class Attention(nnx.Module):
    """Multi-head or grouped-query attention, to every existing position that may be seen."""

    def __init__(self, config: Config, dtype: DTypeLike) -> None:
        self.head_dim, self.theta = config.head_dim, config.rope_theta
        self.rotary_dim = config.rotary_dim or config.head_dim
        inner, kv = config.heads * config.head_dim, config.kv_heads * config.head_dim
        self.query = Linear(config.width, inner, dtype, bias=config.qkv_bias)
        self.key = Linear(config.width, kv, dtype, bias=config.qkv_bias)
        self.value = Linear(config.width, kv, dtype, bias=config.qkv_bias)
        self.output = Linear(inner, config.width, dtype)
        norms = [
            RMSNorm(config.head_dim, config.norm_eps, dtype) if config.qk_norm else None
            for _ in range(2)
        ]
        self.query_norm, self.key_norm = norms

    def __call__(
        self, x: Float[Array, "rows computed width"], layer: int, seen: Seen
    ) -> tuple[Float[Array, "rows read width"], KeyValue]:
        split = (*x.shape[:2], -1, self.head_dim)
        key = self._turned(self.key(x).reshape(split), self.key_norm, seen)
        held = seen.join(layer, KeyValue(key, self.value(x).reshape(split)))
        x, asking = seen.pick(x), seen.asking()
        split = (*x.shape[:2], -1, self.head_dim)
        query = self._turned(self.query(x).reshape(split), self.query_norm, asking)
        mixed = mix(query, held, asking)
        return self.output(mixed.reshape(*x.shape[:2], -1)), held

    def _turned(self, heads: Heads, norm: RMSNorm | None, seen: Seen) -> Heads:
        normed = heads if norm is None else norm(heads)
        return rotate(normed, seen.positions, self.theta, self.rotary_dim)


class Layer(nnx.Module):
    """Attention and MLP or experts, each behind a norm and added back."""

    def __init__(self, config: Config, number: int, dtype: DTypeLike) -> None:
        self.attention_norm = RMSNorm(config.width, config.norm_eps, dtype)
        self.attention = Attention(config, dtype)
        self.mlp_norm = RMSNorm(config.width, config.norm_eps, dtype)
        if config.experts is None or number in config.mlp_layers:
            self.mlp = MLP(config.width, config.hidden, dtype)
        else:
            self.mlp = Mixture(config, config.experts, dtype)

    def __call__(
        self, x: Float[Array, "rows computed width"], layer: int, seen: Seen
    ) -> tuple[Float[Array, "rows read width"], KeyValue]:
        mixed, held = self.attention(self.attention_norm(x), layer, seen)
        x = seen.pick(x) + mixed
        normed = self.mlp_norm(x)
        if isinstance(self.mlp, Mixture):
            return x + self.mlp(normed, seen.mesh), held
        return x + self.mlp(normed), held


class Transformer(nnx.Module):
    """Token ids in, hidden states out; `head` turns those into logits."""

    def __init__(self, config: Config, dtype: DTypeLike) -> None:
        self.embedding = nnx.Param(jnp.zeros((config.vocab, config.width), dtype))
        self.layers = nnx.List([Layer(config, number, dtype) for number in range(config.layers)])
        self.norm = RMSNorm(config.width, config.norm_eps, dtype)
        self.output = None if config.tied else Linear(config.width, config.vocab, dtype)
        self.causal_block, self.reordered = config.causal_block, config.reordered
        self.shifted = config.shifted

    def __call__(
        self, ids: Int[Array, "rows computed"], seen: Seen
    ) -> tuple[Float[Array, "rows read width"], tuple[KeyValue, ...]]:
        """States before the last norm, and each layer's keys and values of all positions."""
        x = self.embedding[...][ids]
        body = seen._replace(read=None)
        kept = []
        for number, layer in enumerate(self.layers):
            # Behind the last layer's keys and values nobody needs what nobody reads.
            last = number == len(self.layers) - 1
            x, held = layer(x, number, seen if last else body)
            kept.append(held)
        return x, tuple(kept)

    def head(self, x: Float[Array, "*batch width"]) -> Float[Array, "*batch vocab"]:
        """Logits in float32."""
        weight = self.embedding[...] if self.output is None else self.output.weight[...]
        normed = self.norm(x)
        return product(normed, weight, jnp.float32)


def mix(query: Heads, held: KeyValue, seen: Seen) -> Heads:
    """Attention. A shadow has its own, so that the rest is computed as if there were none."""
    if seen.shadow is None:
        return attend(query, *held, seen.lengths, seen.mask(held.key.shape[1]))
    behind = seen.shadow.shape[1]
    body = held.key.shape[1] - behind
    rank = None if seen.rank is None else seen.rank[:, :-behind]
    canvas = seen._replace(rank=rank)
    front = attend(
        query[:, :-behind],
        held.key[:, :body],
        held.value[:, :body],
        seen.lengths,
        canvas.mask(body),
    )
    shadow = attend(query[:, -behind:], *held, seen.lengths, seen.shadow_mask())
    return jnp.concatenate([front, shadow], axis=1)


def rotate(
    x: Float[Array, "rows length heads dim"],
    positions: Int[Array, "#rows length"],
    theta: float,
    turned: int,
) -> Float[Array, "rows length heads dim"]:
    """Rotary positions in float32: halves against halves (NeoX order) of the first `turned`."""
    half = turned // 2
    frequencies = theta ** -(jnp.arange(half, dtype=jnp.float32) / half)
    angles = positions.astype(jnp.float32)[:, :, None, None] * frequencies[None, None, None]
    wide = x.astype(jnp.float32)
    first, second, rest = jnp.split(wide, [half, turned], axis=-1)
    cos, sin = jnp.cos(angles), jnp.sin(angles)
    parts = [first * cos - second * sin, second * cos + first * sin, rest]
    return jnp.concatenate(parts[: 2 + (rest.shape[-1] > 0)], axis=-1).astype(x.dtype)
