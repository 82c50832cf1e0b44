"""The transformer that all families share, in flax.nnx: bidirectional, in blocks if so trained.

Weights keep the layout of the checkpoints, `[out, in]`: XLA contracts either axis at the same
speed, and loading is then a plain copy. Norms, rotary tables and softmax are float32 in every
dtype.
"""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Bool, DTypeLike, Float, Int, Shaped

from dllm.models.attention import Heads, attend
from dllm.models.config import Config


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
    causal_block: int | None = None
    """Later blocks of this length are not attended to."""
    read: Int[Array, "rows read"] | None = None
    """Which of the computed positions the last layer's states are wanted of; `None`: of all."""

    def pick(self, x: Shaped[Array, "rows computed *rest"]) -> Shaped[Array, "rows read *rest"]:
        """Of what is known of all computed positions, that of those read."""
        if self.read is None:
            return x
        return jax.vmap(lambda row, at: row[at])(x, self.read)

    def asking(self) -> Int[Array, "#rows read"]:
        """Where those stand that are read."""
        if self.read is None:
            return self.positions
        rows, computed = self.read.shape[0], self.positions.shape[1]
        return self.pick(jnp.broadcast_to(self.positions, (rows, computed)))

    def mask(
        self, asking: Int[Array, "#rows asking"], keys: int
    ) -> Bool[Array, "#rows #asking keys"] | None:
        """What positions attend to, unless a length says it."""
        visible = None if self.visible is None else self.visible[:, None]
        if self.causal_block is None:
            return visible
        at = jnp.arange(keys)[None, None]
        exists = at < self.lengths[:, None, None] if visible is None else visible
        own = asking[:, :, None] // self.causal_block
        return exists & (at // self.causal_block <= own)

    def shadow_mask(self, asking: Int[Array, "rows shadow"]) -> Bool[Array, "rows shadow computed"]:
        """What a shadow attends to."""
        assert self.shadow is not None
        if self.causal_block is None:
            return self.shadow
        block, own = self.positions // self.causal_block, asking // self.causal_block
        return self.shadow & (block[:, None] <= own[:, :, None])

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


class Linear(nnx.Module):
    """x W^T without a bias."""

    def __init__(self, inputs: int, outputs: int, dtype: DTypeLike) -> None:
        self.weight = nnx.Param(jnp.zeros((outputs, inputs), dtype))

    def __call__(self, x: Float[Array, "*batch inputs"]) -> Float[Array, "*batch outputs"]:
        return product(x, self.weight[...])


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
        self.heads, self.kv_heads = config.heads, config.kv_heads
        self.head_dim, self.theta = config.head_dim, config.rope_theta
        self.query = Linear(config.width, config.heads * config.head_dim, dtype)
        self.key = Linear(config.width, config.kv_heads * config.head_dim, dtype)
        self.value = Linear(config.width, config.kv_heads * config.head_dim, dtype)
        self.output = Linear(config.heads * config.head_dim, config.width, dtype)

    def __call__(
        self, x: Float[Array, "rows computed width"], layer: int, seen: Seen
    ) -> tuple[Float[Array, "rows read width"], KeyValue]:
        split = (*x.shape[:2], -1, self.head_dim)
        key = rotate(self.key(x).reshape(split), seen.positions, self.theta)
        held = seen.join(layer, KeyValue(key, self.value(x).reshape(split)))
        x, asking = seen.pick(x), seen.asking()
        split = (*x.shape[:2], -1, self.head_dim)
        query = rotate(self.query(x).reshape(split), asking, self.theta)
        mixed = mix(query, asking, held, seen)
        return self.output(mixed.reshape(*x.shape[:2], -1)), held


class MLP(nnx.Module):
    """down(silu(gate x) * up x)."""

    def __init__(self, config: Config, dtype: DTypeLike) -> None:
        self.gate = Linear(config.width, config.hidden, dtype)
        self.up = Linear(config.width, config.hidden, dtype)
        self.down = Linear(config.hidden, config.width, dtype)

    def __call__(self, x: Float[Array, "*batch width"]) -> Float[Array, "*batch width"]:
        return self.down(jax.nn.silu(self.gate(x)) * self.up(x))


class Layer(nnx.Module):
    """Attention and MLP, each behind a norm and added back."""

    def __init__(self, config: Config, dtype: DTypeLike) -> None:
        self.attention_norm = RMSNorm(config.width, config.norm_eps, dtype)
        self.attention = Attention(config, dtype)
        self.mlp_norm = RMSNorm(config.width, config.norm_eps, dtype)
        self.mlp = MLP(config, dtype)

    def __call__(
        self, x: Float[Array, "rows computed width"], layer: int, seen: Seen
    ) -> tuple[Float[Array, "rows read width"], KeyValue]:
        mixed, held = self.attention(self.attention_norm(x), layer, seen)
        x = seen.pick(x) + mixed
        return x + self.mlp(self.mlp_norm(x)), held


class Transformer(nnx.Module):
    """Token ids in, hidden states out; `head` turns those into logits."""

    def __init__(self, config: Config, dtype: DTypeLike) -> None:
        self.embedding = nnx.Param(jnp.zeros((config.vocab, config.width), dtype))
        self.layers = nnx.List([Layer(config, dtype) for _ in range(config.layers)])
        self.norm = RMSNorm(config.width, config.norm_eps, dtype)
        self.output = None if config.tied else Linear(config.width, config.vocab, dtype)
        self.causal_block = config.causal_block

    def __call__(
        self, ids: Int[Array, "rows computed"], seen: Seen
    ) -> tuple[Float[Array, "rows read width"], tuple[KeyValue, ...]]:
        """States before the last norm, and each layer's keys and values of all positions."""
        x = self.embedding[...][ids]
        seen = seen._replace(causal_block=self.causal_block)
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


def mix(query: Heads, asking: Int[Array, "#rows length"], held: KeyValue, seen: Seen) -> Heads:
    """Attention. A shadow has its own, so that the rest is computed as if there were none."""
    keys = held.key.shape[1]
    if seen.shadow is None:
        return attend(query, *held, seen.lengths, seen.mask(asking, keys))
    behind = seen.shadow.shape[1]
    body = keys - behind
    front = attend(
        query[:, :-behind],
        held.key[:, :body],
        held.value[:, :body],
        seen.lengths,
        seen.mask(asking[:, :-behind], body),
    )
    shadow = attend(query[:, -behind:], *held, seen.lengths, seen.shadow_mask(asking[:, -behind:]))
    return jnp.concatenate([front, shadow], axis=1)


def product(
    x: Float[Array, "*batch inputs"],
    weight: Float[Array, "outputs inputs"],
    dtype: DTypeLike | None = None,
) -> Float[Array, "*batch outputs"]:
    """The product x W^T, in two dimensions: XLA differentiates that faster on CPUs, by a third."""
    flat = x.reshape(-1, x.shape[-1])
    made = jnp.einsum("ni,oi->no", flat, weight, preferred_element_type=dtype)
    return made.reshape(*x.shape[:-1], -1)


def rotate(
    x: Float[Array, "rows length heads dim"], positions: Int[Array, "#rows length"], theta: float
) -> Float[Array, "rows length heads dim"]:
    """Rotary positions, halves against halves (NeoX order), in float32."""
    half = x.shape[-1] // 2
    frequencies = theta ** -(jnp.arange(half, dtype=jnp.float32) / half)
    angles = positions.astype(jnp.float32)[:, :, None, None] * frequencies[None, None, None]
    first, second = jnp.split(x.astype(jnp.float32), 2, axis=-1)
    cos, sin = jnp.cos(angles), jnp.sin(angles)
    turned = jnp.concatenate([first * cos - second * sin, second * cos + first * sin], axis=-1)
    return turned.astype(x.dtype)
