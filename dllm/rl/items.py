"""Transitions of any rows packed together: a row that took few steps costs few."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from dllm.rl.rollouts import Transitions


class Items(NamedTuple):
    """Transitions, a piece at a time; nothing of what fills up the last piece counts."""

    canvas: Int[np.ndarray, "pieces items length"]
    start: Int[np.ndarray, "pieces items"]
    targets: Int[np.ndarray, "pieces items window"]
    counts: Float[np.ndarray, "pieces items window"]
    """What each token counts in the loss; 0 is not written."""
    advantage: Float[np.ndarray, "pieces items"]


def pack(
    made: Transitions,
    start: Int[np.ndarray, " rows"],
    counts: Float[np.ndarray, "rows steps window"],
    advantage: Float[np.ndarray, " rows"],
    piece: int,
) -> Items:
    """The transitions that wrote anything, `piece` of them at a time.

    The number of pieces is rounded up by at most a quarter, so that few programs are compiled.
    """
    row, step = np.nonzero(counts.any(axis=2))
    pieces = rounded(-(-max(len(row), 1) // piece))
    filler = pieces * piece - len(row)
    row, step = (np.concatenate([at, np.zeros(filler, at.dtype)]) for at in (row, step))
    own = counts[row, step]
    own[len(own) - filler :] = 0
    leaves = (made.canvas[row, step], start[row], made.targets[row, step], own, advantage[row])
    return Items(*(leaf.reshape(pieces, piece, *leaf.shape[1:]) for leaf in leaves))


def rounded(number: int) -> int:
    """A number rounded up to one of few, at most a quarter more."""
    step = max(1, 2 ** (number.bit_length() - 3))
    return -(-number // step) * step
