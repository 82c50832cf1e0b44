"""What may stand at every hole of a canvas, at once: an inside-outside pass over layers.

Layer `j` lies before position `j`. A frame is one pushed return point, of one push at one layer;
its parents are the frames it may stand on. A row is a set of frames as the bits of an int: for a
layer and a state, those that may be on top. Forward, rows are what can be reached from the left;
backward, what of it can still be completed to the right. A frame remembers above which parents it
was closed well. What happens above a frame never depends on what lies below it, so the two passes
meet in complete runs only, and the answer is exact.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool

from grammar.classes import Operation, TokenClasses
from grammar.machine import Machine

BOTTOM = 1
"""The row of the empty stack alone: frame 0."""

ANY, STOP = -1, -2
"""Cells beside classes: a hole, and a token that ends the text."""

NEVER = -3
"""A cell whose token stands in no text."""


@dataclass(frozen=True)
class Answer:
    """What a canvas allows.

    Attributes:
        feasible: Whether some filling is a text of the language.
        classes: Of each position, the classes that occur there in some filling; the last column is
            the class of the stop tokens. All false where infeasible.
    """

    feasible: bool
    classes: Bool[np.ndarray, "length classes"]


def bits(row: int) -> Iterator[int]:
    """The numbers of the bits that are set."""
    while row:
        low = row & -row
        yield low.bit_length() - 1
        row ^= low


class _Layers:
    """One pass over one canvas. Cells are classes, `ANY`, `STOP` or `NEVER`."""

    def __init__(
        self, machine: Machine, classes: TokenClasses, cells: Sequence[int], can_stop: bool
    ):
        self.machine, self.tokens, self.cells = machine, classes, cells
        self.can_stop = can_stop
        self.every = range(len(classes.effects))
        self.parents = [0]
        self.with_symbol: dict[int, int] = {}
        self.closed = [0]
        self.rows: list[dict[int, int]] = [{machine.start: BOTTOM}]
        self.node_rows: list[dict[int, int]] = []
        self.pushed: list[dict[int, int]] = []
        for position in range(len(cells)):
            self.forward(position)

    def effects(self, position: int) -> Sequence[int]:
        """The effects of what may stand at a position; none of them for a stop."""
        cell = self.cells[position]
        if cell == ANY:
            return self.every
        return self.tokens.members[cell] if cell >= 0 else ()

    def forward(self, position: int) -> None:
        """The next layer's rows, and those of the nodes on the way."""
        rows, after = self.rows[position], {}
        at: dict[int, int] = {}
        pushed: dict[int, int] = {}
        for number in self.effects(position):
            effect = self.tokens.effects[number]
            if effect.source in rows:
                at[effect.node] = at.get(effect.node, 0) | rows[effect.source]
        # Futures have smaller numbers, and a number met on the way is one not visited yet.
        for node in range(len(self.tokens.nodes) - 1, -1, -1) if at else ():
            row = at.get(node, 0)
            if not row:
                continue
            operation, symbol, future = self.tokens.nodes[node]
            if operation == Operation.END:
                after[symbol] = after.get(symbol, 0) | row
                continue
            if operation == Operation.TEST:
                reached = row & self.with_symbol.get(symbol, 0)
            elif operation == Operation.POP:
                reached = 0
                for frame in bits(row & self.with_symbol.get(symbol, 0)):
                    reached |= self.parents[frame]
            else:
                pushed[node] = self.new_frame(symbol, row)
                reached = 1 << pushed[node]
            if reached:
                at[future] = at.get(future, 0) | reached
        self.rows.append(after)
        self.node_rows.append(at)
        self.pushed.append(pushed)

    def new_frame(self, symbol: int, parents: int) -> int:
        """One frame a push and layer: what is above it does not tell its parents apart."""
        frame = len(self.parents)
        self.parents.append(parents)
        self.closed.append(0)
        self.with_symbol[symbol] = self.with_symbol.get(symbol, 0) | 1 << frame
        return frame

    def accepting(self, layer: int) -> dict[int, int]:
        """The states of a layer in which the text may end, each above the empty stack."""
        finals = self.machine.finals
        return {s: BOTTOM for s, row in self.rows[layer].items() if row & BOTTOM and s in finals}

    def tail(self) -> int:
        """The first layer from which on nothing but stop tokens, or holes for them, stand."""
        layer = len(self.cells)
        while self.can_stop and layer and self.cells[layer - 1] in (ANY, STOP):
            layer -= 1
        return layer

    def backward(self, position: int, good: dict[int, int]) -> tuple[dict[int, int], set[int]]:
        """The rows of a layer that can be completed, and the effects used in doing so."""
        at, pushed = self.node_rows[position], self.pushed[position]
        good_at: dict[int, int] = {}
        for node in sorted(at):
            operation, symbol, future = self.tokens.nodes[node]
            row = at[node]
            if operation == Operation.END:
                good_at[node] = row & good.get(symbol, 0)
            elif operation == Operation.TEST:
                good_at[node] = row & self.with_symbol.get(symbol, 0) & good_at.get(future, 0)
            elif operation == Operation.POP:
                good_at[node] = self.close(
                    row & self.with_symbol.get(symbol, 0), good_at.get(future, 0)
                )
            elif good_at.get(future, 0) >> pushed[node] & 1:
                good_at[node] = row & self.closed[pushed[node]]
            else:
                good_at[node] = 0
        before: dict[int, int] = {}
        alive = set()
        for number in self.effects(position):
            source, node = self.tokens.effects[number]
            row = self.rows[position].get(source, 0) & good_at.get(node, 0)
            if row:
                alive.add(number)
                before[source] = before.get(source, 0) | row
        return before, alive

    def close(self, row: int, good: int) -> int:
        """The frames of `row` with a parent in `good`; each remembers which."""
        closed = 0
        for frame in bits(row) if good else ():
            hits = self.parents[frame] & good
            if hits:
                self.closed[frame] |= hits
                closed |= 1 << frame
        return closed

    def answer(self, must_stop: bool) -> Answer:
        """Both passes together."""
        length, tail = len(self.cells), self.tail()
        classes = np.zeros((length, len(self.tokens.members) + 1), np.bool_)
        # A stop token may end the text at every accepting layer of the tail but the last one,
        # where there is no position left for it.
        stops = [layer for layer in range(tail, length) if self.accepting(layer)]
        if stops:
            classes[stops[0] :, -1] = True
        good = {} if must_stop else self.accepting(length)
        for position in range(length - 1, -1, -1):
            good, alive = self.backward(position, good)
            self.mark(classes, position, alive)
            if position >= tail:
                for state in self.accepting(position):
                    good[state] = good.get(state, 0) | BOTTOM
        feasible = bool(good.get(self.machine.start, 0) & BOTTOM)
        return Answer(feasible, classes & feasible)

    def mark(self, classes: Bool[np.ndarray, "length classes"], position: int, alive: set[int]):
        """Sets the classes of one position that have an effect alive."""
        cell = self.cells[position]
        for number in range(len(self.tokens.members)) if cell == ANY else (cell,):
            if number >= 0 and not alive.isdisjoint(self.tokens.members[number]):
                classes[position, number] = True


def solve(
    machine: Machine,
    classes: TokenClasses,
    cells: Sequence[int],
    must_stop: bool,
    can_stop: bool = True,
) -> Answer:
    """What may stand at every position of a canvas.

    Args:
        machine: The language.
        classes: A vocabulary, as the machine sees it.
        cells: Of each position the class of its token, `ANY`, `STOP` or `NEVER`.
        must_stop: Whether a text has to be followed by a stop token; if not, it may also end where
            the canvas does.
        can_stop: Whether there are stop tokens; if not, no hole is one.
    """
    return _Layers(machine, classes, cells, can_stop).answer(must_stop)
