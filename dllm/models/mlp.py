"""Linear maps and the gated MLP. Weights keep the checkpoints' layout, `[out, in]`."""

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, DTypeLike, Float


class Linear(nnx.Module):
    """x W^T, plus a bias if there is one."""

    def __init__(self, inputs: int, outputs: int, dtype: DTypeLike, *, bias: bool = False) -> None:
        self.weight = nnx.Param(jnp.zeros((outputs, inputs), dtype))
        self.bias = nnx.Param(jnp.zeros((outputs,), dtype)) if bias else None

    def __call__(self, x: Float[Array, "*batch inputs"]) -> Float[Array, "*batch outputs"]:
        made = product(x, self.weight[...])
        if self.bias is None:
            return made
        return made + jnp.expand_dims(self.bias[...], tuple(range(made.ndim - 1)))


class MLP(nnx.Module):
    """down(silu(gate x) * up x)."""

    def __init__(self, width: int, hidden: int, dtype: DTypeLike) -> None:
        self.gate = Linear(width, hidden, dtype)
        self.up = Linear(width, hidden, dtype)
        self.down = Linear(hidden, width, dtype)

    def __call__(self, x: Float[Array, "*batch width"]) -> Float[Array, "*batch width"]:
        return gated(x, self.gate.weight[...], self.up.weight[...], self.down.weight[...])


def gated(
    x: Float[Array, "*batch width"],
    gate: Float[Array, "hidden width"],
    up: Float[Array, "hidden width"],
    down: Float[Array, "width hidden"],
) -> Float[Array, "*batch width"]:
    """down(silu(gate x) * up x), with these matrices."""
    return product(jax.nn.silu(product(x, gate)) * product(x, up), down)


def product(
    x: Float[Array, "*batch inputs"],
    weight: Float[Array, "outputs inputs"],
    dtype: DTypeLike | None = None,
) -> Float[Array, "*batch outputs"]:
    """The product x W^T, in two dimensions: XLA differentiates that faster on CPUs, by a third."""
    flat = x.reshape(-1, x.shape[-1])
    made = jnp.einsum("ni,oi->no", flat, weight, preferred_element_type=dtype)
    return made.reshape(*x.shape[:-1], -1)
