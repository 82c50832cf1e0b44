"""The bidirectional transformer that all families share, in flax.nnx.

Weights keep the layout of the checkpoints, `[out, in]`: XLA contracts either axis at the same
speed, and loading is then a plain copy. Norms, rotary tables and softmax are float32 in every
dtype.
"""

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Bool, DTypeLike, Float, Int

from dllm.models.attention import attend
from dllm.models.config import Config


class Linear(nnx.Module):
    """x W^T without a bias."""

    def __init__(self, inputs: int, outputs: int, dtype: DTypeLike) -> None:
        self.weight = nnx.Param(jnp.zeros((outputs, inputs), dtype))

    def __call__(self, x: Float[Array, "*batch inputs"]) -> Float[Array, "*batch outputs"]:
        return jnp.einsum("...i,oi->...o", x, self.weight[...])


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
    """Multi-head or grouped-query attention, every position to every existing one."""

    def __init__(self, config: Config, dtype: DTypeLike) -> None:
        self.heads, self.kv_heads = config.heads, config.kv_heads
        self.head_dim, self.theta = config.head_dim, config.rope_theta
        self.query = Linear(config.width, config.heads * config.head_dim, dtype)
        self.key = Linear(config.width, config.kv_heads * config.head_dim, dtype)
        self.value = Linear(config.width, config.kv_heads * config.head_dim, dtype)
        self.output = Linear(config.heads * config.head_dim, config.width, dtype)

    def __call__(
        self,
        x: Float[Array, "rows length width"],
        lengths: Int[Array, " rows"],
        visible: Bool[Array, "rows length"] | None,
    ) -> Float[Array, "rows length width"]:
        split = (*x.shape[:2], -1, self.head_dim)
        positions = jnp.arange(x.shape[1])
        query = rotate(self.query(x).reshape(split), positions, self.theta)
        key = rotate(self.key(x).reshape(split), positions, self.theta)
        mixed = attend(query, key, self.value(x).reshape(split), lengths, visible)
        return self.output(mixed.reshape(*x.shape[:2], -1))


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
        self,
        x: Float[Array, "rows length width"],
        lengths: Int[Array, " rows"],
        visible: Bool[Array, "rows length"] | None,
    ) -> Float[Array, "rows length width"]:
        x = x + self.attention(self.attention_norm(x), lengths, visible)
        return x + self.mlp(self.mlp_norm(x))


class Transformer(nnx.Module):
    """Token ids in, hidden states out; `head` turns those into logits."""

    def __init__(self, config: Config, dtype: DTypeLike) -> None:
        self.embedding = nnx.Param(jnp.zeros((config.vocab, config.width), dtype))
        self.layers = nnx.List([Layer(config, dtype) for _ in range(config.layers)])
        self.norm = RMSNorm(config.width, config.norm_eps, dtype)
        self.output = None if config.tied else Linear(config.width, config.vocab, dtype)

    def __call__(
        self,
        ids: Int[Array, "rows length"],
        lengths: Int[Array, " rows"],
        visible: Bool[Array, "rows length"] | None = None,
    ) -> Float[Array, "rows length width"]:
        """States before the last norm.

        Position i of a row attends to the first `lengths` positions, or to those that `visible`
        says.
        """
        x = self.embedding[...][ids]
        for layer in self.layers:
            x = layer(x, lengths, visible)
        return x

    def head(self, x: Float[Array, "*batch width"]) -> Float[Array, "*batch vocab"]:
        """Logits in float32."""
        weight = self.embedding[...] if self.output is None else self.output.weight[...]
        normed = self.norm(x)
        return jnp.einsum("...w,vw->...v", normed, weight, preferred_element_type=jnp.float32)


def rotate(
    x: Float[Array, "rows length heads dim"], positions: Int[Array, " length"], theta: float
) -> Float[Array, "rows length heads dim"]:
    """Rotary positions, halves against halves (NeoX order), in float32."""
    half = x.shape[-1] // 2
    frequencies = theta ** -(jnp.arange(half, dtype=jnp.float32) / half)
    angles = (positions.astype(jnp.float32)[:, None] * frequencies[None])[None, :, None]
    first, second = jnp.split(x.astype(jnp.float32), 2, axis=-1)
    cos, sin = jnp.cos(angles), jnp.sin(angles)
    turned = jnp.concatenate([first * cos - second * sin, second * cos + first * sin], axis=-1)
    return turned.astype(x.dtype)
