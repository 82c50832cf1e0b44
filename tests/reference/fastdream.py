"""Fast-dLLM's two ways of decoding Dream."""

from collections.abc import Callable

import numpy as np

from tests.reference import distributions, selections
from tests.reference.model import MASK_ID as M
from tests.reference.model import Kept, shift_right
from tests.reference.samplers import Call, Predict, Run


def threshold(predict: Predict, prompt: list[int], gen: int, steps: int, least: float) -> Run:
    """No blocks: an equal share a step, plus what the last step rejected."""
    x = np.array(prompt + [M] * gen)
    states: list[list[int]] = []
    rejected = 0
    while M in x:
        k = (gen // steps if len(states) < steps else 0) + rejected
        states.append(x.tolist())
        logits = shift_right(predict(x))
        scores = distributions.softmax(logits).max(-1)
        kept, rejected = selections.threshold_within(scores, x == M, least, k)
        for i in kept:
            x[i] = logits[i].argmax()
    return Run(states, x.tolist())


def blocks(
    run: Callable[..., tuple[np.ndarray, Kept]],
    prompt: list[int],
    gen: int,
    block: int,
    steps: int,
    least: float | None,
    *,
    dual: bool,
) -> tuple[Run, list[Call]]:
    """The first position of a block from the full call, the others from calls over the cache.

    By a threshold, or without one by entropy on Dream's schedule, from its second step on.
    """
    x = np.array(prompt + [M] * gen)
    states, calls = [], []
    for start in range(len(prompt), len(x), block):
        window = slice(start, start + block if dual else len(x))
        states.append(x.tolist())
        calls.append(("full", 0, len(x)))
        logits, kept = run(x)
        x[start] = shift_right(logits)[start].argmax()
        eligible = np.zeros(len(x), bool)
        step = 0
        while M in x[start : start + block] or step == 0:
            step += 1
            states.append(x.tolist())
            calls.append(("block" if dual else "suffix", start, window.stop - start))
            logits = np.zeros_like(logits)
            logits[window] = shift_right(run(x, kept, window)[0][window])
            eligible[start : start + block] = x[start : start + block] == M
            for i in _choose(logits, eligible, step, steps // (gen // block), least):
                x[i] = logits[i].argmax()
    return Run(states, x.tolist()), calls


def _choose(
    logits: np.ndarray, eligible: np.ndarray, step: int, steps: int, least: float | None
) -> list[int]:
    if least is not None:
        return selections.threshold(distributions.softmax(logits).max(-1), eligible, least)
    k = selections.dream(int(eligible.sum()), steps, step, 1e-3)
    return selections.top_k(distributions.dream_score(logits, "entropy"), eligible, k)
