"""How long the masks of a canvas take, on one thread."""

import time
from typing import Any

import numpy as np

from benchmarks.grammar.decodes import members_of
from grammar import MASK, Compiled


def masks_ms(language: Compiled, canvas: list[int], times: int = 20) -> dict[str, float]:
    """Milliseconds of processor time of one canvas: the least, the median."""
    language.masks(canvas)
    taken = []
    for _ in range(times):
        begun = time.thread_time()
        language.masks(canvas)
        taken.append(1e3 * (time.thread_time() - begun))
    return {"least": min(taken), "median": float(np.median(taken))}


def fill_ms(language: Compiled, length: int, seed: int = 0) -> dict[str, Any]:
    """Milliseconds over all states of a canvas that is filled at random, one token at a time.

    Raises:
        grammar.InfeasibleError: no text fits the canvas.
    """
    rng, members = np.random.default_rng(seed), members_of(language)
    canvas, taken = [MASK] * length, []
    language.require(canvas)
    for position in rng.permutation(length):
        begun = time.thread_time()
        answer = language.masks(canvas)
        taken.append(1e3 * (time.thread_time() - begun))
        alive = np.flatnonzero(answer.classes[position])
        canvas[position] = int(rng.choice(members[rng.choice(alive)]))
    quantiles = np.quantile(taken, [0.5, 0.9, 1.0])
    return dict(zip(("p50", "p90", "max"), quantiles.tolist(), strict=True))
