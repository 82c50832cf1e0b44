"""Asking the compiled passes about a canvas: records, folds, and room for what they write."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Int, UInt64

from grammar.errors import LimitError
from grammar.general.shelf import Shelf
from grammar.general.tables import Content, MoveTables
from grammar.loading import load_kernels
from grammar.pushdown import ANY, STOP, Answer

ROOM = 1 << 26
"""The most words that the passes over one canvas may need."""

FOLD = 8
"""Of text that stands, so many positions are folded at a time."""

SMALL, USUAL = 1 << 16, 1 << 23
"""Words to begin with: for plain passes, and for compiled ones, which are not to run twice."""

NEAR = 16
"""So many positions of text behind a hole say what it may hold; text behind them may be anything
to those who look ahead."""


class _Records(NamedTuple):
    """What the passes go through for a canvas.

    Record 0 is nothing at all, 1 the beginning; then come positions and folds, then possible ends.
    """

    plans: list[tuple[int, ...]]
    """Of each record the numbers of its plans; none: a fold (and record 0)."""
    source_of: list[int]
    at: Int[np.ndarray, " length"]
    """The record of each position."""
    near: list[bool]
    """Of the records before the ends, whether they look ahead."""
    ends: Sequence[int]
    """Where the text may end, by the number of positions before."""

    @property
    def text(self) -> int:
        """The number of records before the ends."""
        return len(self.near)


class _Order(NamedTuple):
    """The records of a canvas, as the passes read them."""

    parts: Int[np.ndarray, " parts"]
    begins: Int[np.ndarray, " records+1"]
    source_of: Int[np.ndarray, " records"]
    rows: Int[np.ndarray, " records"]


class _Made(NamedTuple):
    """What the pass from the left has made, and what it has left out by looking ahead."""

    plans: list[tuple[int, ...]]
    source_of: list[int]
    near: list[bool]
    rows: Int[np.ndarray, " records"]
    ahead: UInt64[np.ndarray, " words"]
    """The rows of looking ahead, those of the first record last."""

    def words(self, number: int) -> int:
        """How many words of `ahead` are of the first so many records."""
        begins = self.rows[:number]
        begins = begins[begins >= 0]
        return len(self.ahead) - int(begins[-1]) if len(begins) else 0


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
        of_content |= _pairs(content.moves)
        named = {name: of_content[name] for name in kernels.Tables._fields}
        # Numbers of one type: what is compiled is compiled once.
        self.tables = kernels.Tables(**{name: _wide(part) for name, part in named.items()})
        self.active = tuple(content.basis[:active].tolist())
        self.shelf = Shelf(content, kernels)
        self.room: Any = None
        self.size = SMALL if plain else USUAL
        self.made: _Made | None = None

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
        alive = np.zeros((len(records.plans), classes + 2), np.bool_)
        try:
            accepting = self._run(records, first, alive if both and len(holes) else None)
        except BaseException:  # an interrupt too: nothing may go on from what is half made
            self.room = self.made = None
            raise
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
        number, at = self.shelf.number, []
        last = ends[0] if ends else length
        plans, source_of, near = [(), (number((classes + 1,)),)], [-1, 0], [False, False]
        active, stands, seen = (number(self.active),), 0, False
        for position, cell in enumerate(cells.tolist()):
            # Ends have to be told in the numbers of the frames that they come behind.
            if position % FOLD == 0 and stands >= FOLD and position < last:
                source_of.append(len(plans) - 1)
                plans.append(())
                near.append(False)
            stands, seen = (0, True) if cell == ANY else (stands + 1, seen)
            at.append(len(plans))
            source_of.append(len(plans) - 1)
            near.append(seen and stands <= NEAR)
            if cell == ANY:
                plans.append(self._plans(wanted[position]) if position in wanted else active)
            else:  # behind a stop nothing is read, and a stop itself reads nothing
                plans.append((number((cell,) if cell >= 0 else ()),))
        behind = [1, *at]
        source_of += [behind[end] for end in ends]
        plans += [(number((classes,)),)] * len(ends)
        return _Records(plans, source_of, np.asarray(at, np.int64), near, ends)

    def _plans(self, wanted: Sequence[int]) -> tuple[int, ...]:
        """Plans of classes: one of all, or that of the active ones and one for each further class.

        Plans are kept, and the classes that a model likes are others at every step.
        """
        chosen = tuple(dict.fromkeys(wanted))
        number, active = self.shelf.number, frozenset(self.active)
        if not active.issubset(chosen):
            return (number(chosen),)
        more = (own for own in chosen if own not in active)
        return (number(self.active), *(number((own,)) for own in more))

    def _run(
        self,
        records: _Records,
        first: int,
        alive: Bool[np.ndarray, "records classes"] | None,
    ) -> list[bool]:
        """The passes in a room that is large enough; which of the ends are possible.

        Classes are marked in `alive`, from the position `first` on; without it there is no pass
        from the right.
        """
        number = len(records.plans)
        while True:
            if self.room is None or len(self.room.records) < number + 2:
                self.room, self.made = self._make_room(2 * number), None
            tables, room, plans = self.tables, self.room, self.shelf.plans
            order = self._order(records)
            told = self._forward(records, order)
            if told >= 0:
                ends = range(records.text, number)
                accepting = [bool(self.kernels.accepts(tables, room, end)) for end in ends]
                if alive is None or not any(accepting):
                    return accepting
                begin, behind = int(records.at[first]), records.text
                told = self.kernels.backward(tables, plans, room, *order[:3], begin, behind, alive)
                if told >= 0:
                    return accepting
                alive[:] = False
            self._grow(told, records)

    def _order(self, records: _Records) -> _Order:
        counts = [len(own) for own in records.plans]
        return _Order(
            np.asarray([plan for own in records.plans for plan in own], np.int64),
            np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
            np.asarray(records.source_of, np.int64),
            np.full(len(counts), -1, np.int64),
        )

    def _forward(self, records: _Records, order: _Order) -> int:
        """The pass from the left, from where the last one would have been another."""
        tables, room, plans, kernels = self.tables, self.room, self.shelf.plans, self.kernels
        near, ending = np.asarray(records.near), np.zeros(records.text, np.bool_)
        ending[order.source_of[records.text :]] = True
        size = kernels.look_ahead(
            tables, plans, room, order.parts, order.begins, near, ending, order.rows
        )
        if size < 0:
            return size
        ahead = room.ahead[:size].copy()
        made, begin = _Made(*records[:2], records.near, order.rows, ahead), 1
        if self.made is not None:
            begin = _same(self.made, made)
            words = made.words(begin)
            ahead[len(ahead) - words :] = self.made.ahead[len(self.made.ahead) - words :]
        if begin == 1:
            kernels.begin(room, self.content.start)
        else:
            kernels.again(room, begin - 1)
        told = kernels.forward(tables, plans, room, *order, self.shelf.slack, begin)
        last = len(records.plans) if told >= 0 else int(room.counters[kernels.RECORD])
        self.made = made._replace(plans=made.plans[:last])
        return told

    def _grow(self, told: int, records: _Records) -> None:
        """More room, of the kind that a pass was short of."""
        if told == self.kernels.WIDE:
            room = self.room
            for scratch in (room.place, room.head, room.entry, room.pop_head):
                scratch[:] = -1
            for plan in records.plans[room.counters[self.kernels.RECORD]]:
                self.shelf.slack[plan] *= 2
            return
        if 2 * self.size > ROOM:
            raise LimitError(
                f"a canvas must need at most {ROOM} words of memory, got more: take fewer active "
                "classes"
            )
        self.room, self.made, self.size = None, None, 2 * self.size

    def _make_room(self, records: int) -> Any:
        size, moves = self.size, self.content.moves
        rows, frames = max(size // 32, 1024), max(size // 128, 256)
        columns, words = max(size // 512, 64), (len(moves.finals) + 63) // 64

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
            "renamed": np.zeros(64 * columns, np.int64),
            "place": ints(len(moves.finals), -1),
            "head": ints(len(self.content.node_next), -1),
            "heads": ints(self.content.ends),
            "entry": ints(self.content.ends, -1),
            "link_of": np.empty((frames, moves.symbols), np.int32),  # a frame fills its own row
            "pop_head": ints(moves.symbols, -1),
            "counters": ints(16),
            "marks": np.zeros((records + 2, 16), np.int64),
            "ahead": np.zeros(size, np.uint64),
            "soon": np.zeros(3 * self.content.ends * words, np.uint64),
            "wants": ints(len(self.content.node_next), -1),
        }
        return self.kernels.Room(**named)


def _same(old: _Made, new: _Made) -> int:
    """The first record that has to be made anew: another one, or one that wants what was left out.

    Record 1, the beginning, is always made: nothing can be gone back to before it.
    """
    number = 0
    mine, yours = (zip(made.plans, made.source_of, strict=False) for made in (old, new))
    for one, other in zip(mine, yours, strict=False):
        if one != other:
            break
        number += 1
    looked = zip(old.near[:number], new.near[:number], strict=False)
    number = next((n for n, (one, other) in enumerate(looked) if one != other), number)
    words = new.words(number)
    left, right = (made.ahead[len(made.ahead) - words :] for made in (old, new))
    missed = np.flatnonzero(right & ~left)
    if len(missed):
        word = int(missed[-1]) + len(new.ahead) - words
        number = int(np.flatnonzero((new.rows >= 0) & (new.rows <= word))[0])
    return max(number, 1)


def _pairs(moves: MoveTables) -> dict[str, Int[np.ndarray, " _"]]:
    """Of each operation the pairs of a state and one that it leads to, as the passes read them."""
    rows = np.repeat(np.arange(len(moves.begins) - 1), np.diff(moves.begins))
    state, operation = np.divmod(rows, moves.operations)
    pairs = np.unique(np.stack([operation, state, moves.target], axis=-1), axis=0)
    begins = np.searchsorted(pairs[:, 0], np.arange(moves.operations + 1))
    columns = map(np.ascontiguousarray, (begins, pairs[:, 1], pairs[:, 2]))
    return dict(zip(("pairs", "pair_state", "pair_target"), columns, strict=True))


def _wide(part: Any) -> Any:
    narrow = isinstance(part, np.ndarray) and part.dtype == np.int32
    return part.astype(np.int64) if narrow else part
