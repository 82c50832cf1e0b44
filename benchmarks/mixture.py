"""Time of a forward with experts, held against a dense model that is as large as what is active.

`python -m benchmarks.mixture`: same width, heads and layers; the dense MLP is as wide as the chosen
experts together. Both run in turns, and the quickest of each counts: other work on the machine only
ever adds to a time.
"""

import dataclasses
import json
import time

import jax
import jax.numpy as jnp

from benchmarks.random_network import random_network
from dllm.models.config import Config, Experts
from dllm.models.network import Network

ROWS, LENGTH, TURNS = 8, 256, 5
_EXPERTS = Experts(number=64, chosen=8, hidden=128, normalised=False)
_SPARSE = Config(
    layers=2,
    width=512,
    heads=8,
    kv_heads=8,
    head_dim=64,
    hidden=0,
    vocab=1024,
    max_length=1024,
    rope_theta=5e4,
    norm_eps=1e-5,
    tied=False,
    qk_norm=True,
    experts=_EXPERTS,
)
_DENSE = dataclasses.replace(_SPARSE, hidden=_EXPERTS.chosen * _EXPERTS.hidden, experts=None)


def main() -> None:
    """Prints the times of both and their ratio."""
    canvas = jax.random.randint(jax.random.key(0), (ROWS, LENGTH), 0, _SPARSE.vocab, jnp.int32)
    start = jnp.zeros(ROWS, jnp.int32)

    def forward(network: Network) -> jax.Array:
        return network.hidden(canvas, start, LENGTH)

    networks = {
        "experts": random_network(_SPARSE, 0, jnp.float32),
        "dense": random_network(_DENSE, 0, jnp.float32),
    }
    programs = {
        name: jax.jit(forward).lower(network).compile() for name, network in networks.items()
    }
    times: dict[str, list[float]] = {name: [] for name in networks}
    for _ in range(TURNS):
        for name, network in networks.items():
            begun = time.perf_counter()
            programs[name](network).block_until_ready()
            times[name].append(time.perf_counter() - begun)
    best = {name: min(own) for name, own in times.items()}
    figures = {
        "positions": ROWS * LENGTH,
        "active": {"experts": _SPARSE.active, "dense": _DENSE.active},
        "ms": {name: round(1e3 * own, 1) for name, own in best.items()},
        "ratio": round(best["experts"] / best["dense"], 2),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
