"""Decoding block by block until each is filled, by any way of choosing positions."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from tests.reference import distributions
from tests.reference.model import MASK_ID as M
from tests.reference.samplers import Predict, Run


class Look(NamedTuple):
    """What one model call says, and where it was made."""

    probabilities: np.ndarray
    """`[length, vocab]`."""
    eligible: np.ndarray
    start: int
    end: int
    step: int

    @property
    def scores(self) -> np.ndarray:
        """The probability of the likeliest token."""
        return self.probabilities.max(-1)

    @property
    def entropies(self) -> np.ndarray:
        """Of each position, in nats."""
        p = self.probabilities
        return -np.sum(p * np.log(np.maximum(p, 1e-300)), axis=-1)


Choose = Callable[[Look], list[int]]
Revise = Callable[[np.ndarray, np.ndarray, int], np.ndarray]
"""From (logits, eligible, step in the block) to other logits."""


def blockwise(
    predict: Predict,
    prompt: list[int],
    gen: int,
    block: int,
    choose: Choose,
    *,
    eos: int | None = None,
    steps: int = 10**6,
    revise: Revise = lambda logits, eligible, step: logits,
) -> Run:
    """At most `steps` calls a block.

    With `eos`, a filled block that holds it ends the answer: all behind the block becomes `eos`.
    """
    x = np.array(prompt + [M] * gen)
    states = []
    for start in range(len(prompt), len(x), block):
        end = start + block
        step = 0
        while M in x[start:end] and step < steps:
            states.append(x.tolist())
            eligible = (x == M) & (np.arange(len(x)) < end)
            logits = revise(predict(x), eligible & (np.arange(len(x)) >= start), step)
            look = Look(distributions.softmax(logits), eligible, start, end, step)
            tokens = logits.argmax(-1)
            for i in choose(look):
                x[i] = tokens[i]
            step += 1
        if eos is not None and eos in x[start:end]:
            x[end:] = eos
            break
    return Run(states, x.tolist())
