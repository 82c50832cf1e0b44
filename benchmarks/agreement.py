"""Whether two decodes of the same rows agree, and if not, whether a tie explains it.

Two programs add up the same products in another order, so that their logits differ by about 1e-6.
Where two positions, or two tokens of one, are closer than that, either choice is right, and the
rest of the row may go another way.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

TIE = 2e-5
"""Logits and log probabilities closer than this are a tie: what the two forwards may differ by."""

Steps = Int[np.ndarray, "steps rows length"]
"""The canvas before the first step, and after each."""
Logits = Callable[[Int[np.ndarray, "1 length"]], Float[np.ndarray, "1 length vocab"]]


class Agreement(NamedTuple):
    """How many rows two decodes differ in."""

    rows: int
    differing: int
    ties: int
    """Differing rows whose first difference is a tie."""

    @property
    def explained(self) -> bool:
        """Whether every difference is a tie."""
        return self.differing == self.ties


def compare(ours: Steps, theirs: Steps, logits: Logits) -> Agreement:
    """Compares decodes step by step; `logits` are asked for where a row first differs.

    Undecided positions are negative, and the logits of what may not be written are -inf.
    """
    differing = np.flatnonzero(np.any(ours[-1] != theirs[-1], axis=-1))
    ties = sum(_first_is_tie(ours[:, row], theirs[:, row], logits) for row in differing)
    return Agreement(ours.shape[1], len(differing), ties)


def _first_is_tie(
    ours: Int[np.ndarray, "steps length"], theirs: Int[np.ndarray, "steps length"], logits: Logits
) -> bool:
    step = int(np.argmax(np.any(ours != theirs, axis=-1)))
    if step == 0:
        return False
    return is_tie(logits(ours[step - 1][None])[0], ours[step - 1], ours[step], theirs[step])


def is_tie(
    logits: Float[np.ndarray, "length vocab"],
    before: Int[np.ndarray, " length"],
    one: Int[np.ndarray, " length"],
    other: Int[np.ndarray, " length"],
) -> bool:
    """Whether two continuations of a canvas are equally good by these logits."""
    tokens_are_best = all(
        logits[at].max() - logits[at, after[at]] <= TIE
        for after in (one, other)
        for at in np.flatnonzero(after != before)
    )
    alone = np.flatnonzero((one != before) != (other != before))
    if not len(alone):
        return tokens_are_best
    rows = logits[alone].astype(np.float64)
    peak = rows.max(axis=-1)
    sureness = -np.log(np.exp(rows - peak[:, None]).sum(axis=-1))
    return tokens_are_best and float(np.ptp(sureness)) <= TIE
