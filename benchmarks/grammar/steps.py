"""What a grammar adds to the steps of a decode whose masks are made while a forward runs."""

import time
from typing import Any

import numpy as np

from benchmarks.grammar.decodes import members_of
from grammar import MASK, Compiled


def step_share(
    language: Compiled, length: int, forward_ms: float, writes: int = 8, seed: int = 0
) -> dict[str, Any]:
    """Decodes a canvas in any order from random logits; a forward of a stated length is assumed.

    A step is as long as the longer one of the forward and the masks, and the verification of what
    it writes comes behind.

    Args:
        language: What is decoded.
        length: Tokens of the canvas.
        forward_ms: What a forward is taken to last.
        writes: Tokens a step.
        seed: Of all that is drawn.

    Returns:
        `share`: the time of the steps by that of their forwards, of which `saved` more would be
        needed if tokens that are certain were not written for free.
    """
    rng, members = np.random.default_rng(seed), members_of(language)
    language.masks([MASK] * length)
    canvas, steps, forced, taken = [MASK] * length, 0, 0, 0.0
    while MASK in canvas:
        begun = time.thread_time()
        answer = language.masks(canvas)
        free = language.forced(canvas, answer)
        masks = 1e3 * (time.thread_time() - begun)
        forced += int(np.sum(free != MASK))
        canvas = np.where(free == MASK, canvas, free).tolist()
        holes = [position for position, token in enumerate(canvas) if token == MASK]
        after = list(canvas)
        for position in rng.permutation(holes)[:writes]:
            alive = np.flatnonzero(answer.classes[position])
            after[position] = int(rng.choice(members[rng.choice(alive)]))
        begun = time.thread_time()
        canvas = language.keep(canvas, after, rng.random(length).tolist())
        taken += max(forward_ms, masks) + 1e3 * (time.thread_time() - begun)
        steps += 1
    return {
        "forward_ms": forward_ms,
        "steps": steps,
        "share": taken / (steps * forward_ms),
        "saved": forced / writes,
    }
