"""Asking the compiled passes about a canvas: records, folds, and room for what they write."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Int

from grammar.errors import LimitError
from grammar.general.shelf import Shelf
from grammar.general.tables import Content
from grammar.loading import load_kernels
from grammar.pushdown import ANY, STOP, Answer

ROOM = 1 << 26
"""The most words that the passes over one canvas may need."""

FOLD = 8
"""Of text that stands, so many positions are folded at a time."""


class _Records(NamedTuple):
    """What the passes go through for a canvas.

    Record 0 is nothing at all, 1 the beginning; then come positions and folds, then possible ends.
    """

    plan_of: Int[np.ndarray, " records"]
    """The number of a plan; -1: a fold (and record 0)."""
    source_of: Int[np.ndarray, " records"]
    at: Int[np.ndarray, " length"]
    """The record of each position."""
    folds: dict[int, int]
    """By positions, the records of the folds before them."""
    ends: Sequence[int]
    """Where the text may end, by the number of positions before."""


class _Kept(NamedTuple):
    """What the pass from the left has made of the beginning of a canvas, and may go on from."""

    cells: Int[np.ndarray, " beginning"]
    record: int
    counters: np.ndarray


class Passes:
    """The passes over one content, plans and room for them. Not for two threads at once.

    Args:
        content: The compiled grammar.
        active: Of how many classes a hole is filled; None: of all.
        plain: Whether the passes run without being compiled.
        stops: Whether there are stop tokens. If not, a text has to fill its canvas.
    """

    def __init__(self, content: Content, active: int | None, plain: bool, stops: bool) -> None:
        folder = Path(__file__).with_name("kernels")
        loaded = None if plain else load_kernels(folder, allocates=False)
        self.kernels = kernels = loaded or load_kernels(folder, compiled=False)
        self.content, self.stops = content, stops
        of_content = {**content.moves._asdict(), **vars(content)}
        named = {name: of_content[name] for name in kernels.Tables._fields}
        # Numbers of one type: what is compiled is compiled once.
        self.tables = kernels.Tables(**{name: _wide(part) for name, part in named.items()})
        self.active = tuple(content.basis[:active].tolist())
        self.shelf = Shelf(content, kernels)
        self.room: Any = None
        self.size = 1 << 16
        self.kept: _Kept | None = None

    def answer(
        self,
        cells: Int[np.ndarray, " length"],
        must_stop: bool,
        wanted: Mapping[int, Sequence[int]],
        both: bool,
    ) -> Answer:
        """Both passes; the forward one alone only says whether a canvas is feasible."""
        classes, length = self.content.classes, len(cells)
        records = self._records(cells, must_stop, wanted)
        holes = np.flatnonzero(cells == ANY)
        first = int(holes[0]) if len(holes) else length
        alive = np.zeros((len(records.plan_of), classes + 2), np.bool_)
        accepting = self._run(records, cells, first, alive if both and len(holes) else None)
        told = np.zeros((length, classes + 1), np.bool_)
        if both and any(accepting):
            told[first:, :classes] = alive[records.at[first:], :classes]
            text = np.flatnonzero(cells[:first] >= 0)
            told[text, cells[text]] = True  # with a filling, the text before all holes is good
            stops = [end for end, well in zip(records.ends, accepting, strict=True) if well]
            if stops[0] < length:
                told[stops[0] :, -1] = True
        return Answer(any(accepting), told)

    def _records(
        self,
        cells: Int[np.ndarray, " length"],
        must_stop: bool,
        wanted: Mapping[int, Sequence[int]],
    ) -> _Records:
        classes, length = self.content.classes, len(cells)
        text = ~np.isin(cells, (ANY, STOP))
        tail = int(np.flatnonzero(text)[-1]) + 1 if text.any() else 0
        ends = [*range(tail if self.stops else length, length), *([] if must_stop else [length])]
        number, folds, at = self.shelf.number, {}, []
        last = ends[0] if ends else length
        plan_of, source_of, stands = [-1, number((classes + 1,))], [-1, 0], 0
        any_class = number(self.active)
        for position, cell in enumerate(cells.tolist()):
            # Ends have to be told in the numbers of the frames that they come behind.
            if position % FOLD == 0 and stands >= FOLD and position < last:
                folds[position] = len(plan_of)
                source_of.append(len(plan_of) - 1)
                plan_of.append(-1)
            stands = 0 if cell == ANY else stands + 1
            at.append(len(plan_of))
            source_of.append(len(plan_of) - 1)
            if cell == ANY:
                own = wanted.get(position)
                plan_of.append(any_class if own is None else number(tuple(own)))
            else:  # behind a stop nothing is read, and a stop itself reads nothing
                plan_of.append(number((cell,) if cell >= 0 else ()))
        behind = [1, *at]
        source_of += [behind[end] for end in ends]
        plan_of += [number((classes,))] * len(ends)
        return _Records(
            np.asarray(plan_of, np.int64),
            np.asarray(source_of, np.int64),
            np.asarray(at, np.int64),
            folds,
            ends,
        )

    def _run(
        self,
        records: _Records,
        cells: Int[np.ndarray, " length"],
        first: int,
        alive: Bool[np.ndarray, "records classes"] | None,
    ) -> list[bool]:
        """The passes in a room that is large enough; which of the ends are possible.

        Classes are marked in `alive`, from the position `first` on; without it there is no pass
        from the right.
        """
        number = len(records.plan_of)
        while True:
            if self.room is None or len(self.room.records) < number + 2:
                self.room, self.kept = self._make_room(2 * number), None
            tables, room, plans = self.tables, self.room, self.shelf.plans
            told = self._forward(records, cells, first)
            if told >= 0:
                accepting = [
                    bool(self.kernels.accepts(tables, room, record))
                    for record in range(number - len(records.ends), number)
                ]
                if alive is None or not any(accepting):
                    return accepting
                begin, order = int(records.at[first]), (records.plan_of, records.source_of)
                told = self.kernels.backward(tables, plans, room, *order, begin, alive)
                if told >= 0:
                    return accepting
                alive[:] = False
            self._grow(told, records)

    def _forward(self, records: _Records, cells: Int[np.ndarray, " length"], first: int) -> int:
        """The pass from the left, from where the last canvas began to be another one."""
        tables, room, plans, kernels = self.tables, self.room, self.shelf.plans, self.kernels
        order = (records.plan_of, records.source_of, self.shelf.slack)
        folds = [position for position in records.folds if position <= first]
        middle = records.folds[folds[-1]] + 1 if folds else 1
        begin = self._resume(records, cells)
        if begin < middle:
            told = kernels.forward(tables, plans, room, *order, begin, middle)
            if told < 0:
                return told
            self.kept = _Kept(cells[: folds[-1]].copy(), middle - 1, room.counters.copy())
            begin = middle
        return kernels.forward(tables, plans, room, *order, begin, len(records.plan_of))

    def _resume(self, records: _Records, cells: Int[np.ndarray, " length"]) -> int:
        """The first record that has to be made."""
        kept, room = self.kept, self.room
        if (
            kept is not None
            and records.folds.get(len(kept.cells)) == kept.record
            and np.array_equal(cells[: len(kept.cells)], kept.cells)
        ):
            lasting = [self.kernels.STAMP, self.kernels.WIDTH]
            now = room.counters[lasting]
            room.counters[:] = kept.counters
            room.counters[lasting] = now
            self.kernels.hold_again(room, room.counters[self.kernels.LINKS])
            return kept.record + 1
        self.kept = None
        self.kernels.begin(room, self.content.start)
        return 1

    def _grow(self, told: int, records: _Records) -> None:
        """More room, of the kind that a pass was short of."""
        self.kept = None
        if told == self.kernels.WIDE:
            room = self.room
            for scratch in (room.place, room.head, room.entry, room.pop_head):
                scratch[:] = -1
            self.shelf.slack[records.plan_of[room.counters[self.kernels.RECORD]]] *= 2
            return
        self.room, self.size = None, 2 * self.size
        if self.size > ROOM:
            raise LimitError(
                f"a canvas must need at most {ROOM} words of memory, got more: take fewer active "
                "classes"
            )

    def _make_room(self, records: int) -> Any:
        size, moves = self.size, self.content.moves
        rows, frames = max(size // 16, 1024), max(size // 64, 256)
        columns = max(size // 512, 64)

        def ints(length: int, value: int = 0) -> np.ndarray:
            return np.full(length, value, np.int64)

        counts = {"frames": frames, "records": records + 2}
        things = {
            name: np.zeros(counts.get(name, rows), [(own, np.int64) for own in fields.split()])
            for name, fields in self.kernels.FIELDS.items()
        }
        named = {name: thing.view(np.recarray) for name, thing in things.items()} | {
            "arena": np.zeros(size, np.uint64),
            "holders": np.zeros((moves.symbols, columns), np.uint64),
            "scratch": np.zeros(columns, np.uint64),
            "renamed": ints(64 * columns),
            "place": ints(len(moves.finals), -1),
            "head": ints(len(self.content.node_next), -1),
            "heads": ints(self.content.ends),
            "entry": ints(self.content.ends, -1),
            "link_of": np.full((frames, moves.symbols), -1, np.int32),
            "pop_head": ints(moves.symbols, -1),
            "counters": ints(15),
        }
        return self.kernels.Room(**named)


def _wide(part: Any) -> Any:
    narrow = isinstance(part, np.ndarray) and part.dtype == np.int32
    return part.astype(np.int64) if narrow else part
