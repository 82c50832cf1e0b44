"""Experts cut over forced host devices; prints how far they are from those on one, and more.

A process of its own, because the number of devices is fixed when jax starts.
"""

import json

import jax
import jax.numpy as jnp
import numpy as np

import dllm
from dllm.models.mixture import Matrices, cut, mixed


def difference(dtype: str) -> tuple[float, int]:
    """How far the sums are apart, and how many experts a device has.

    Two rows of 6 positions, each sent to 2 of 8 experts, on 2 by 4 devices and on one.
    """
    random = np.random.default_rng(0)
    shapes = ((2, 6, 16), (8, 12, 16), (8, 12, 16), (8, 16, 12))
    x, *matrices = (jnp.asarray(random.standard_normal(s, np.float32), dtype) for s in shapes)
    chosen = jnp.asarray(np.argsort(random.random((2, 6, 8)))[..., :2], jnp.int32)
    weights = jnp.asarray(random.random((2, 6, 2)), jnp.float32)
    mesh = dllm.make_mesh(data=2, model=4)
    routed = (x, chosen, weights, Matrices(*matrices))
    with jax.default_matmul_precision("highest"):
        alone = mixed(*routed)
        program = jax.jit(lambda *arrays: cut(mesh, *arrays)).lower(*routed).compile()
        spread = program(*jax.device_put(routed, program.input_shardings[0]))
    own = program.input_shardings[0][3].gate.shard_shape((8, 12, 16))[0]
    return float(jnp.abs(np.asarray(alone) - np.asarray(spread)).max()), own


def main() -> None:
    """Prints both by dtype."""
    print(json.dumps({dtype: difference(dtype) for dtype in ("float32", "bfloat16")}))


if __name__ == "__main__":
    main()
