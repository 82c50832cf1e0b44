"""Views and predictions to ask the parts of a rule with."""

import jax
import jax.numpy as jnp
import numpy as np

import dllm
from dllm.propose import Scene, read
from samplers.base import View


def view_of(masked: np.ndarray, step: int = 0, **changed: int) -> View:
    """A view of one block with holes at `masked`; `changed` are fields of its place."""
    numbers = {"prompt": 0, "start": 0, "end": len(masked), "block": 0, "blocks": 1}
    numbers = {**numbers, "step": step, "total": step, **changed}
    place = dllm.Place(**{name: jnp.int32(n) for name, n in numbers.items()})
    zeros, eligible = jnp.zeros(len(masked)), jnp.asarray(masked)
    prediction = dllm.Prediction(
        jnp.zeros(len(masked), jnp.int32), zeros, zeros, zeros, zeros, eligible, eligible
    )
    canvas = jnp.where(eligible, dllm.MASK, 0)
    return View(jax.random.key(0), canvas, prediction, place, eligible)


def read_of(
    logits: np.ndarray, proposal: dllm.Proposal, needs: frozenset[str] = frozenset()
) -> dllm.Prediction:
    """The prediction of these logits."""
    window = len(logits)
    scene = Scene(jax.random.key(0), jnp.int32(0), jnp.arange(window), jnp.full(window, dllm.MASK))
    return read(proposal, needs, scene, jnp.asarray(logits, jnp.float32))
