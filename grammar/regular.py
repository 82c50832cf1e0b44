"""What may stand at every hole of a canvas, at once, for a language without a stack.

Layers are as in `grammar.pushdown`, but a row is a set of states. Forward, rows are what can be
reached from the left; backward, what of it can still be completed to the right. A class is alive at
a hole if it leads from a state of the one row to a state of the other: that is found for all holes
together, with the holes as the bits of a word.
"""

from collections.abc import Iterable, Sequence
from functools import reduce
from operator import or_

import numpy as np
from jaxtyping import Bool, Int, UInt64

from grammar.classes import TokenClasses
from grammar.machine import Machine
from grammar.pushdown import ANY, STOP, Answer, bits

REMEMBERED = 20_000
"""Images of a relation that are kept."""


class Relation:
    """Which states lead to which, and the images of sets of states; sets are the bits of ints.

    Images are kept, and so are those of the words and the bytes of a set: most sets differ from one
    that was met in few of them.
    """

    def __init__(self, pairs: Iterable[tuple[int, int]]):
        self._rows: dict[int, int] = {}
        for source, target in pairs:
            self._rows[source] = self._rows.get(source, 0) | 1 << target
        self._domain = sum(1 << source for source in self._rows)
        self._size = self._domain.bit_length() // 64 + 1
        self._of_word: list[dict[int, int]] = [{} for _ in range(self._size)]
        self._of_byte: dict[tuple[int, int], int] = {}
        self.images: dict[int, int] = {}
        """Images that are known."""

    def image(self, row: int) -> int:
        """What the states of `row` lead to."""
        known = self.images.get(row)
        if known is None:
            if len(self.images) >= REMEMBERED:
                self.images.clear()
            known = self.images[row] = self._image(row & self._domain)
        return known

    def _image(self, row: int) -> int:
        image, places = 0, enumerate(self._of_word)
        for (place, known), word in zip(places, _words(row, self._size), strict=True):
            if word:
                piece = known.get(word)
                image |= self._piece(place, word) if piece is None else piece
        return image

    def _piece(self, place: int, word: int) -> int:
        """The image of 64 states, from those of eight at a time."""
        image, known = 0, self._of_word[place]
        for position, byte in enumerate(word.to_bytes(8, "little"), 8 * place):
            key = position, byte
            if byte and key not in self._of_byte:
                rows = (self._rows.get(8 * position + state, 0) for state in bits(byte))
                self._of_byte[key] = reduce(or_, rows)
            image |= self._of_byte[key] if byte else 0
        if len(known) >= REMEMBERED:
            known.clear()
        known[word] = image
        return image


def _words(row: int, number: int) -> memoryview:
    """The bits of an int, 64 at a time."""
    return memoryview(row.to_bytes(8 * number, "little")).cast("Q")


class Regular:
    """A machine without a stack and a vocabulary's classes, ready for canvases."""

    def __init__(self, machine: Machine, classes: TokenClasses):
        self._members = classes.members
        self._pairs = [(source, classes.nodes[node].symbol) for source, node in classes.effects]
        self._states = len(machine.moves)
        self._start = 1 << machine.start
        self._finals = sum(1 << state for state in machine.finals)
        self._relations: dict[tuple[int, bool], Relation] = {}
        groups = _groups(classes.members, len(classes.effects))
        ends = [self._pairs[pair] for group in groups.values() for pair in group]
        self._source, self._target = np.asarray(ends, np.int64).reshape(-1, 2).T
        self._first_pair = _starts([len(group) for group in groups.values()])
        kinds = np.asarray([kind for key in groups for kind in key], np.int64)
        sizes = [len(key) for key in groups]
        self._group = np.repeat(np.arange(len(groups)), np.asarray(sizes, np.int64))[
            np.argsort(kinds, kind="stable")
        ]
        self._first_group = _starts(np.bincount(kinds, minlength=len(classes.members)))

    def solve(self, cells: Sequence[int], must_stop: bool, can_stop: bool = True) -> Answer:
        """As `grammar.pushdown.solve`."""
        length, finals = len(cells), self._finals
        ahead, behind = ({c: self._relation(c, way) for c in set(cells)} for way in (True, False))
        row, rows = self._start, [self._start]
        for cell in cells:
            row = ahead[cell].image(row)
            rows.append(row)
        tail = length
        while can_stop and tail and cells[tail - 1] in (ANY, STOP):
            tail -= 1
        good = [0] * length + [0 if must_stop else rows[length] & finals]
        for position in range(length - 1, -1, -1):
            row = behind[cells[position]].image(good[position + 1])
            good[position] = rows[position] & (row | finals if position >= tail else row)
        classes = np.zeros((length, len(self._members) + 1), np.bool_)
        if not good[0]:
            return Answer(False, classes)
        stops = (layer for layer in range(tail, length) if rows[layer] & finals)
        classes[next(stops, length) :, -1] = True
        holes = [position for position, cell in enumerate(cells) if cell == ANY]
        if holes and self._members:
            # Holes in a row soon have the same sets on both sides: one answer is enough for them.
            sides = [(rows[position], good[position + 1]) for position in holes]
            numbers = {pair: number for number, pair in enumerate(dict.fromkeys(sides))}
            classes[holes, :-1] = self._alive(list(numbers))[[numbers[pair] for pair in sides]]
        decided = [(position, cell) for position, cell in enumerate(cells) if cell >= 0]
        if decided:
            classes[tuple(zip(*decided, strict=True))] = True
        return Answer(True, classes)

    def _relation(self, cell: int, ahead: bool) -> Relation:
        """What a cell leads to, or (not `ahead`) from; nothing for a stop and for other cells."""
        found = self._relations.get((cell, ahead))
        if found is None:
            pairs = (self._pairs[member] for member in self._members[cell]) if cell >= 0 else ()
            pairs = self._pairs if cell == ANY else pairs
            found = Relation(pairs if ahead else ((target, source) for source, target in pairs))
            self._relations[cell, ahead] = found
        return found

    def _alive(self, sides: Sequence[tuple[int, int]]) -> Bool[np.ndarray, "sides classes"]:
        """The classes that lead from a state of the one set to a state of the other."""
        front, back = (self._columns(rows) for rows in zip(*sides, strict=True))
        leads = front[self._source] & back[self._target]
        groups = np.bitwise_or.reduceat(leads, self._first_pair, axis=0)
        alive = np.bitwise_or.reduceat(groups[self._group], self._first_group, axis=0)
        plain = np.unpackbits(alive.view(np.uint8), axis=1, count=len(sides), bitorder="little")
        return plain.T.astype(np.bool_)

    def _columns(self, rows: Sequence[int]) -> UInt64[np.ndarray, "states words"]:
        """Of each state, the rows that hold it, as bits."""
        size = self._states // 8 + 1
        raw = np.frombuffer(b"".join(row.to_bytes(size, "little") for row in rows), np.uint8)
        plain = np.unpackbits(raw.reshape(len(rows), size), axis=1, bitorder="little")
        columns = np.zeros((self._states, -(-len(rows) // 64) * 64), np.uint8)
        columns[:, : len(rows)] = plain[:, : self._states].T
        return np.packbits(columns, axis=1, bitorder="little").view("<u8")


def _groups(members: Sequence[Sequence[int]], pairs: int) -> dict[tuple[int, ...], list[int]]:
    """The pairs by the classes that have them.

    Tokens that go on with a string do so wherever a string may stand: thousands of pairs are of few
    groups, and it is enough to know of a group whether one of its pairs is alive.
    """
    classes: list[list[int]] = [[] for _ in range(pairs)]
    for number, own in enumerate(members):
        for pair in own:
            classes[pair].append(number)
    groups: dict[tuple[int, ...], list[int]] = {}
    for pair, key in enumerate(classes):
        groups.setdefault(tuple(key), []).append(pair)
    return groups


def _starts(sizes: Sequence[int] | Int[np.ndarray, " parts"]) -> Int[np.ndarray, " parts"]:
    """Where parts of these sizes begin, one behind the other."""
    return np.cumsum(sizes, dtype=np.int64) - np.asarray(sizes, np.int64)
