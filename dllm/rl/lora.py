"""Adapters of low rank: W + alpha / rank * up @ down, for the matrices of the layers.

Hu et al. 2021, "LoRA: Low-Rank Adaptation of Large Language Models",
https://arxiv.org/abs/2106.09685. They are added to the weights where these are used, so that the
transformer knows nothing of them; added for good, they are exported as ordinary weights.
"""

import zlib
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Array, Float

from dllm.rl.settings import LoraSettings


class Adapter(NamedTuple):
    """What is learnt of one matrix."""

    down: Float[Array, "rank inputs"]
    """Random at first."""
    up: Float[Array, "outputs rank"]
    """0 at first: the model begins as it is."""


Adapters = dict[str, Adapter]
"""By the parameter's path."""


def first_adapters(state: nnx.State, settings: LoraSettings, seed: int) -> Adapters:
    """Adapters that change nothing yet, for every matrix of attention and MLPs.

    Stacks of experts, their router, embeddings and the head have none.
    """
    made: Adapters = {}
    for keys, variable in nnx.to_flat_state(state):
        name, shape = ".".join(map(str, keys)), variable.shape
        if _is_adapted(name, len(shape)):
            outputs, inputs = shape
            random = np.random.default_rng([seed, zlib.crc32(name.encode())])
            down = random.standard_normal((settings.rank, inputs), np.float32)
            up = jnp.zeros((outputs, settings.rank), jnp.float32)
            made[name] = Adapter(jnp.asarray(down / np.float32(inputs**0.5)), up)
    return made


def merged(state: nnx.State, adapters: Adapters, scale: float) -> nnx.State:
    """The weights with adapters added to them, these in float32."""

    def add(name: str, weight: Array) -> Array:
        if name not in adapters:
            return weight
        down, up = adapters[name]
        with jax.default_matmul_precision("highest"):
            return weight.astype(jnp.float32) + scale * (up @ down)

    return nnx.from_flat_state(
        [
            (keys, variable.replace(add(".".join(map(str, keys)), variable[...])))
            for keys, variable in nnx.to_flat_state(state)
        ]
    )


def _is_adapted(name: str, ndim: int) -> bool:
    layer = name.startswith("layers.") and (".attention." in name or ".mlp." in name)
    return layer and ndim == 2 and ".router." not in name
