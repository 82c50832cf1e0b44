"""Scenes that `dllm.check` shows a scheduler: random predictions, canvases and small decodes."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from dllm.canvas import Rows, rows
from dllm.decode import Decoded, decode
from dllm.propose import Proposal
from dllm.toy import random_chain
from samplers import MASK, VOID, Place, Prediction, Scheduler
from samplers.base import LOG_ZERO
from samplers.parts import needs

VOCAB, LENGTH = 16, 40
POISON = 10**6
"""The proposed token where nothing may be written: it must never reach a canvas."""


def first_step(scheduler: Scheduler, canvas: jax.Array, state: Any) -> tuple[Any, ...]:
    """The arguments of `update` at the first step of a row with one block behind two prompt ids."""
    length = canvas.shape[0]
    place = _place(prompt=2, start=2, end=length, block=0, blocks=1, step=0, total=0)
    return (jax.random.key(0), state, canvas, _prediction(0, length, needs(scheduler)), place)


def middle_step(seed: int, wanted: frozenset[str]) -> tuple[jax.Array, Prediction, Place]:
    """A canvas half decided, with padding, blind spots and forbidden positions."""
    random = np.random.default_rng(seed)
    prompt, start, end, real = 4, 12, 20, 32
    canvas = np.where(random.random(LENGTH) < 0.5, MASK, random.integers(0, VOCAB, LENGTH))
    canvas[:prompt] = random.integers(0, VOCAB, prompt)
    canvas[end:real], canvas[real:] = MASK, VOID
    at = np.arange(LENGTH)
    seen = (at < real) & (("canvas" in wanted) | ((at >= start) & (at < end)))
    allowed = random.random(LENGTH) < 0.8
    prediction = _prediction(seed, LENGTH, wanted)
    prediction = prediction._replace(
        tokens=jnp.where(seen & allowed, prediction.tokens, POISON),
        log_confidence=jnp.where(seen, prediction.log_confidence, LOG_ZERO),
        log_margin=jnp.where(seen, prediction.log_margin, LOG_ZERO),
        seen=jnp.asarray(seen),
        allowed=jnp.asarray(allowed),
    )
    step = seed % 3
    place = _place(
        prompt=prompt, start=start, end=end, block=1, blocks=3, step=step, total=step + 8
    )
    return jnp.asarray(canvas, jnp.int32), prediction, place


def small_batch(length: int = LENGTH) -> Rows:
    """Four rows of different prompts and answers in blocks of 8."""
    prompts = [[1, 2, 3], [4], [5, 6, 7, 8, 9], [3, 1]]
    return rows(prompts, [24, 16, 8, 32], 8, seed=7, length=length)


def run_small(
    scheduler: Scheduler, batch: Rows, temperature: float = 0.0, num_drafts: int = 1
) -> Decoded:
    """Decodes a small batch with a random chain; results as NumPy arrays."""
    proposal = Proposal(temperature)
    ended = decode(
        random_chain(3, VOCAB),
        batch,
        scheduler,
        proposal,
        num_drafts=num_drafts,
        max_steps=8 * LENGTH,
    )
    return jax.device_get(ended)


def _place(**numbers: int) -> Place:
    return Place(**{name: jnp.int32(number) for name, number in numbers.items()})


def _prediction(seed: int, length: int, wanted: frozenset[str]) -> Prediction:
    logits = 3 * np.random.default_rng(seed).normal(size=(length, VOCAB))
    log_probs = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    first, second = np.sort(log_probs)[:, [-1, -2]].T
    leaves = {
        "log_confidence": first,
        "log_margin": np.log(np.exp(first) - np.exp(second)),
        "gap": first - second,
        "entropy": -np.sum(np.exp(log_probs) * log_probs, -1),
        **({"log_probs": log_probs} if "log_probs" in wanted else {}),
        **({"own": np.exp(first)} if "own" in wanted else {}),
    }
    everywhere = jnp.ones(length, bool)
    return Prediction(
        tokens=jnp.argmax(logits, -1).astype(jnp.int32),
        seen=everywhere,
        allowed=everywhere,
        **{name: jnp.asarray(leaf, jnp.float32) for name, leaf in leaves.items()},
    )
