"""The consistency-trajectory objective, token by token, with its gradient."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class Result(NamedTuple):
    """What the objective of some answers comes to."""

    loss: float
    gradient: np.ndarray
    """Of the loss by the policy's log-probabilities."""
    kl: float
    clipped: float
    outside: float


def group_advantages(rewards: Sequence[float], group: int) -> list[float]:
    """Each reward above its group's mean."""
    found = []
    for first in range(0, len(rewards), group):
        own = rewards[first : first + group]
        found += [reward - sum(own) / group for reward in own]
    return found


def objective(
    new: np.ndarray,
    old: np.ndarray,
    reference: np.ndarray,
    written: np.ndarray,
    steps: Sequence[int],
    advantages: Sequence[float],
    *,
    beta: float,
    epsilon: float,
    normalisation: str,
) -> Result:
    """Arrays are `[rows, steps, positions]`; a row has `steps` of them."""
    rows = len(written)
    sums = np.zeros(4)
    gradient = np.zeros(written.shape)
    for row, step, at in np.argwhere(written):
        if normalisation == "paper":
            share = 1 / written[row, step].sum() / steps[row] / rows
        else:
            share = 1 / written[:, step].sum() / max(steps)
        gain = advantages[row]
        ratio = math.exp(float(new[row, step, at]) - float(old[row, step, at]))
        held = min(max(ratio, 1 - epsilon), 1 + epsilon)
        apart = float(reference[row, step, at]) - float(new[row, step, at])
        kl = math.exp(apart) - apart - 1
        cut = held * gain < ratio * gain
        cost = beta * kl - min(ratio * gain, held * gain)
        sums += share * np.array([cost, kl, cut, abs(ratio - 1) > epsilon])
        slope = 0.0 if cut else -ratio * gain
        gradient[row, step, at] = share * (slope + beta * (1 - math.exp(apart)))
    return Result(sums[0], gradient, *sums[1:])
