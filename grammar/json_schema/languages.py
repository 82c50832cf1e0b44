"""Regular languages of code points: deterministic automata whose edges are ranges.

They are what a schema says of one string or of one number's text, and they are closed under
everything that a schema does with them: and, or, not.
"""

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any, Final

from grammar.automaton import equivalent
from grammar.errors import LimitError

STATES: Final = 20_000
"""The most states that an automaton of a string or a number may have."""

Edges = Sequence[tuple[int, int, Any]]
"""Ranges, both ends included, and where they lead to; sorted, without overlaps."""


@dataclass(frozen=True)
class Language:
    """A trimmed deterministic automaton. State 0 is the start; no state at all: no text."""

    rows: tuple[tuple[tuple[int, int, int], ...], ...]
    finals: frozenset[int]

    def __hash__(self) -> int:
        return hash((len(self.rows), self.rows[:2], self.finals))

    def __contains__(self, text: str) -> bool:
        state = 0 if self.rows else None
        for char in map(ord, text):
            row = () if state is None else self.rows[state]
            state = next((target for low, high, target in row if low <= char <= high), None)
        return state in self.finals

    def __and__(self, other: "Language") -> "Language":
        if self == other or other == ALL or not self.rows:
            return self
        if self == ALL or not other.rows:
            return other
        return _product(self, other, lambda left, right: left and right)

    def __or__(self, other: "Language") -> "Language":
        if self in (other, ALL) or not other.rows:
            return self
        if not self.rows or other == ALL:
            return other
        return _product(self, other, lambda left, right: left or right)

    def __sub__(self, other: "Language") -> "Language":
        if not other.rows or not self.rows:
            return self
        return _product(self, other, lambda left, right: left and not right)


def explore(
    start: Hashable,
    step: Callable[[Any], Iterable[tuple[int, int, Any]]],
    final: Callable[[Any], bool],
) -> Language:
    """The automaton of a step function; more than `STATES` states raise `LimitError`.

    Args:
        start: The first state, anything hashable.
        step: The edges of a state.
        final: Whether a text may end in a state.
    """
    numbers, waiting, rows = {start: 0}, [start], []
    for state in waiting:
        row = []
        for low, high, target in step(state):
            if target not in numbers:
                numbers[target] = len(numbers)
                waiting.append(target)
            row.append((low, high, numbers[target]))
        rows.append(row)
        if len(numbers) > STATES:
            raise LimitError(f"an automaton must have at most {STATES} states, got more")
    return _merged(*_trimmed(rows, {number for state, number in numbers.items() if final(state)}))


def _trimmed(rows: list[Any], finals: set[int]) -> tuple[list[Any], set[int]]:
    """Without the states that reach no final one."""
    before: list[list[int]] = [[] for _ in rows]
    for state, row in enumerate(rows):
        for _, _, target in row:
            before[target].append(state)
    alive, waiting = set(finals), list(finals)
    while waiting:
        for state in before[waiting.pop()]:
            if state not in alive:
                alive.add(state)
                waiting.append(state)
    if 0 not in alive:
        return [], set()
    number = {state: position for position, state in enumerate(sorted(alive))}
    kept = [
        [(low, high, number[target]) for low, high, target in rows[state] if target in alive]
        for state in sorted(alive)
    ]
    return kept, {number[state] for state in finals}


def _merged(rows: list[Any], finals: set[int]) -> Language:
    """With equivalent states merged, in the order in which they are met."""

    def key(state: int, block: Sequence[int]) -> Hashable:
        return state in finals, _joined(rows[state], block)

    block = equivalent([[target for _, _, target in row] for row in rows], key)
    first = {number: state for state, number in reversed(list(enumerate(block)))}
    merged = tuple(_joined(rows[first[number]], block) for number in range(len(first)))
    return Language(merged, frozenset(block[state] for state in finals))


def _joined(row: Edges, block: Sequence[int]) -> tuple[tuple[int, int, int], ...]:
    """A row with targets by block; ranges that touch and lead to one block become one."""
    joined: list[tuple[int, int, int]] = []
    for low, high, target in row:
        if joined and joined[-1][1] == low - 1 and joined[-1][2] == block[target]:
            joined[-1] = (joined[-1][0], high, block[target])
        else:
            joined.append((low, high, block[target]))
    return tuple(joined)


def _overlay(left: Edges, right: Edges) -> list[tuple[int, int, tuple[Any, Any]]]:
    """Two rows at once: ranges with both targets, None where one of them has no edge."""
    points = sorted({p for row in (left, right) for low, high, _ in row for p in (low, high + 1)})
    cells, i, j = [], 0, 0
    for low, after in pairwise(points):
        while i < len(left) and left[i][1] < low:
            i += 1
        while j < len(right) and right[j][1] < low:
            j += 1
        one = left[i][2] if i < len(left) and left[i][0] <= low else None
        two = right[j][2] if j < len(right) and right[j][0] <= low else None
        if (one, two) != (None, None):
            cells.append((low, after - 1, (one, two)))
    return cells


def _product(left: Language, right: Language, keep: Callable[[bool, bool], bool]) -> Language:
    """The texts for which `keep` holds of being in `left` and of being in `right`."""
    one_alone, two_alone = keep(True, False), keep(False, True)

    def step(pair: tuple[int | None, int | None]) -> Iterable[tuple[int, int, Any]]:
        one = () if pair[0] is None else left.rows[pair[0]]
        two = () if pair[1] is None else right.rows[pair[1]]
        for low, high, (first, second) in _overlay(one, two):
            dead = (first is None and not two_alone) or (second is None and not one_alone)
            if not dead:
                yield low, high, (first, second)

    def final(pair: tuple[int | None, int | None]) -> bool:
        return keep(pair[0] in left.finals, pair[1] in right.finals)

    return explore((0, 0), step, final)


EVERY: Final = ((0, 0xD7FF), (0xE000, 0x10FFFF))
"""All code points but the surrogates."""

ALL: Final = Language((tuple((low, high, 0) for low, high in EVERY),), frozenset({0}))
NONE: Final = Language((), frozenset())


def union(languages: Iterable[Language]) -> Language:
    """The texts of any of the languages, joined two by two so that none is copied often."""
    left = list(languages)
    while len(left) > 1:
        pairs = zip(left[::2], left[1::2], strict=False)
        left = [one | two for one, two in pairs] + left[len(left) // 2 * 2 :]
    return left[0] if left else NONE


def finite(texts: Iterable[str]) -> Language:
    """Exactly these texts."""
    words = sorted({tuple(map(ord, text)) for text in texts})
    if not words:
        return NONE

    def step(prefix: tuple[int, int, int]) -> Iterable[tuple[int, int, Any]]:
        begin, end, depth = prefix
        position = begin
        while position < end:
            if len(words[position]) <= depth:
                position += 1
                continue
            char, first = words[position][depth], position
            while position < end and words[position][depth] == char:
                position += 1
            yield char, char, (first, position, depth + 1)

    def final(prefix: tuple[int, int, int]) -> bool:
        return len(words[prefix[0]]) == prefix[2]

    return explore((0, len(words), 0), step, final)


@lru_cache(256)
def lengths(low: int, high: int | None) -> Language:
    """The texts of `low` to `high` code points, without end where `high` is None."""
    if high is not None and high < low:
        return NONE
    top = low if high is None else high

    def step(count: int) -> Iterable[tuple[int, int, int]]:
        if count < top or high is None:
            for begin, end in EVERY:
                yield begin, end, min(count + 1, top)

    return explore(0, step, lambda count: count >= low)
