"""Schedules and selections, as sets of positions."""

import itertools

import numpy as np


def even(masks: int, steps: int) -> list[int]:
    return [masks // steps + (i < masks % steps) for i in range(steps)]


def shares_of_blocks(steps: int, blocks: int) -> list[int]:
    """Steps of each block: what their running total, rounded down, grows by; 1 at least."""
    totals = [steps * block // blocks for block in range(blocks + 1)]
    return [max(after - before, 1) for before, after in itertools.pairwise(totals)]


def dream(masks: int, steps: int, step: int, eps: float) -> int:
    if step == steps - 1:
        return masks
    t = np.linspace(1, eps, steps + 1).astype(np.float32)
    return int(np.float32(masks) * (np.float32(1) - t[step + 1] / t[step]))


def by_rank(scores: np.ndarray, eligible: np.ndarray) -> list[int]:
    """Eligible positions from best to worst, ties by index."""
    return sorted(np.flatnonzero(eligible).tolist(), key=lambda i: (-scores[i], i))


def top_k(scores: np.ndarray, eligible: np.ndarray, k: int) -> list[int]:
    return by_rank(scores, eligible)[:k]


def threshold(scores: np.ndarray, eligible: np.ndarray, least: float) -> list[int]:
    ranked = by_rank(scores, eligible)
    return [i for n, i in enumerate(ranked) if n == 0 or scores[i] >= least]


def factor(
    scores: np.ndarray, eligible: np.ndarray, phi: float, *, published: bool = False
) -> list[int]:
    ranked = by_rank(scores, eligible)
    for n, i in enumerate(ranked):
        if n > 0 and scores[i] < 1 - phi / (n + 2):
            last = published and n == len(ranked) - 1
            return ranked if last else ranked[:n]
    return ranked
