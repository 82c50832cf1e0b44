"""Networks of random weights made on the device: no files, one tensor under way at a time."""

import math
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jax.sharding import Mesh, Sharding
from jaxtyping import Array, Float, PRNGKeyArray

from dllm.models.config import Config
from dllm.models.network import Network, abstract
from dllm.sharding import placement


def random_network(
    config: Config, mask: int, dtype: Any, seed: int = 0, mesh: Mesh | None = None
) -> Network:
    """A network whose matrices are normal with variance 1 / fan-in; norms are 1, biases 0.

    As `dllm init-random` makes them, but for the generator: activations stay of order 1 in any
    depth. `mask` is the id that stands for undecided positions.
    With a mesh every device makes its own part, of the same numbers.
    """
    graph, shapes = abstract(config, dtype)
    place = None if mesh is None else placement(mesh, config)
    root, made = jax.random.key(seed), []
    for number, (keys, variable) in enumerate(nnx.to_flat_state(shapes)):
        key = jax.random.fold_in(root, number)
        shape = tuple(variable.shape)
        where = None if place is None else place(".".join(map(str, keys)), shape)
        if len(shape) == 1:
            fill = 0 if keys[-1] == "bias" else 1
            tensor = jnp.full(shape, fill, variable.dtype, device=where)
        else:
            is_table = keys == ("embedding",) and not config.tied
            tensor = _draw(key, shape, variable.dtype, is_table, where)
        # Waited for: the float32 draws of two large tensors are never there together.
        made.append((keys, variable.replace(tensor.block_until_ready())))
    return Network(nnx.from_flat_state(made), mask, graph, mesh)


@partial(jax.jit, static_argnums=(1, 2, 3, 4))
def _draw(
    key: PRNGKeyArray, shape: tuple[int, ...], dtype: Any, is_table: bool, where: Sharding | None
) -> Float[Array, "..."]:
    scale = 1.0 if is_table else 1 / math.sqrt(shape[-1])
    drawn = (scale * jax.random.normal(key, shape, jnp.float32)).astype(dtype)
    return drawn if where is None else jax.lax.with_sharding_constraint(drawn, where)
