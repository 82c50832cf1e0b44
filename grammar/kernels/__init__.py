"""`grammar.pushdown`'s two passes over plain arrays, compiled by numba.

The same algorithm, with rows of 64-bit words in one arena. As there, a push makes a frame of its
own at every layer: two pushes of a layer must not share one, even with the same return point above
the same parents, because what closes the one well need not close the other.

An end of a token and the state that it leads to are one node here, numbered by the state; inner
nodes come behind, futures first. A layer is a list of nodes with their rows: inner ones, falling,
then states. Rows are as wide as the frames known at their layer need, and zero beyond.

No annotations: this package is loaded past the import hook of run-time type checkers, see
`grammar.loading`.
"""

import numpy as np

from grammar.loading import borrowing, kernel

from .backward import run_backward
from .forward import run_forward
from .frames import prepare
from .layers import accepts, tail_of
from .rows import ZERO
from .tables import Frames, Room, Tables

__all__ = ["Room", "Tables", "feasible", "solve"]


@borrowing
def _stops(tables, room, tail, out):
    """Where a stop token may stand: from the first layer of the tail on that may end a text."""
    last = out.shape[1] - 1
    for layer in range(tail, out.shape[0]):
        if accepts(tables, room, layer):
            out[layer:, last] = True
            return


@kernel
def solve(tables, room, cells, must_stop, can_stop, out):
    """Fills `out` `[length, classes + 1]`, all false at first.

    1 if the canvas has a filling, 0 if not, -1 if the room is too small. `cells`, `must_stop` and
    `can_stop` are `grammar.pushdown.solve`'s.
    """
    tail = tail_of(cells, can_stop)
    top = run_forward(tables, room, cells)
    if top < 0:
        return -1
    words, pops = room.width[cells.shape[0]], tables.pop_begins[-1]
    frames = Frames(
        np.full(words, ~ZERO, np.uint64),
        np.zeros(words, np.uint64),
        np.zeros((tables.symbols, words), np.int64),
        np.zeros((pops, words), np.uint64),
        np.full((pops, words), -1, np.int64),
        np.zeros((pops, words), np.int64),
        np.zeros((pops, words), np.int64),
        np.zeros(1, np.int64),
    )
    top = prepare(room, cells.shape[0], frames, top)
    if top < 0:
        return -1
    _stops(tables, room, tail, out)
    told = run_backward(tables, room, cells, frames, must_stop, tail, top, out)
    if told != 1:
        out[:] = False
    return told


@kernel
def feasible(tables, room, cells, must_stop, can_stop):
    """As `solve`, without what may stand where: the pass from the left is enough to know."""
    top = run_forward(tables, room, cells)
    if top < 0:
        return -1
    last = cells.shape[0] - must_stop
    for layer in range(tail_of(cells, can_stop), last + 1):
        if accepts(tables, room, layer):
            return 1
    return 0
