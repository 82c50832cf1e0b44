"""LLaDA's loop with other schedules and scores: EOSER, ASS, Prophet."""

from collections.abc import Callable, Sequence

import numpy as np

from tests.reference import distributions, selections
from tests.reference.model import MASK_ID as M
from tests.reference.samplers import Predict, Run

Factor = Callable[[int, int], float]
"""From (step in the block, step in the row) to what an end-of-text confidence is scaled by."""


def scheduled(
    predict: Predict,
    prompt: list[int],
    blocks: Sequence[tuple[int, list[int]]],
    eos: int,
    factor: Factor,
) -> Run:
    """Every block, given as its length and its transfers, spends all of these."""
    x = np.array(prompt + [M] * sum(length for length, _ in blocks))
    states: list[list[int]] = []
    end = len(prompt)
    for length, transfers in blocks:
        end += length
        for step, k in enumerate(transfers):
            states.append(x.tolist())
            logits = predict(x)
            tokens, scores = logits.argmax(-1), distributions.softmax(logits).max(-1)
            scores = np.where(tokens == eos, scores * factor(step, len(states) - 1), scores)
            eligible = (x == M) & (np.arange(len(x)) < end)
            for i in selections.top_k(scores, eligible, k):
                x[i] = tokens[i]
    return Run(states, x.tolist())


def ramp(step: int, steps: int, low: float, high: float) -> float:
    """EOSER's factor."""
    return low + (high - low) * min(step, steps - 1) / (steps - 1) if steps > 1 else high


def ramp_ascending(step: int, steps: int, low: float, high: float) -> float:
    """EOSER's factor beside ASS, by the share of the answer that is written after the step."""
    return low + (high - low) * (2 ** (step + 1) - 1) / 2**steps


def prophet(
    predict: Predict,
    prompt: list[int],
    gen: int,
    block: int,
    steps: int,
    answer: tuple[int, int],
    thresholds: tuple[float, float, float],
    given: dict[int, int],
) -> Run:
    """LLaDA until the answer's mean gap reaches the phase's threshold, then all at once.

    `answer` is its offset and length, `given` holds tokens that stand in the answer already.
    """
    x = np.array(prompt + [M] * gen)
    for offset, token in given.items():
        x[len(prompt) + offset] = token
    region = slice(len(prompt) + answer[0], len(prompt) + sum(answer))
    states = []
    for start in range(len(prompt), len(x), block):
        masks = int((x[start : start + block] == M).sum())
        for k in selections.even(masks, steps // (gen // block)):
            states.append(x.tolist())
            logits = predict(x)
            tokens, scores = logits.argmax(-1), distributions.softmax(logits).max(-1)
            if gap(logits[region]) >= thresholds[phase(len(states), steps)]:
                return Run(states, np.where(x == M, tokens, x).tolist())
            eligible = (x == M) & (np.arange(len(x)) < start + block)
            for i in selections.top_k(scores, eligible, k):
                x[i] = tokens[i]
    return Run(states, x.tolist())


def gap(logits: np.ndarray) -> float:
    """The mean distance of the two largest logits; nothing where there are no positions."""
    top = np.sort(logits, axis=-1)
    return float(np.mean(top[:, -1] - top[:, -2])) if len(logits) else -np.inf


def phase(step: int, steps: int) -> int:
    """Prophet's phase of a step, counted from 1: 0 early, 1 mid, 2 late."""
    progress = step / steps
    return 0 if progress < 0.33 else 1 if progress < 0.67 else 2
