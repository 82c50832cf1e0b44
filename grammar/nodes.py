"""The right-hand sides that every front end produces.

A `Grammar` is a set of named rules. A rule's right-hand side is a regular expression over code
points and over calls of rules, so the whole is a recursive transition network in the making
(Woods, 1970). Front ends build these nodes and nothing else; the core reads nothing else.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

LAST_CODE_POINT: Final = 0x10FFFF


@dataclass(frozen=True)
class Chars:
    """One code point out of `ranges`, each with both ends included."""

    ranges: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Seq:
    """All `parts`, one after the other; no part is the empty text."""

    parts: tuple["Node", ...]


@dataclass(frozen=True)
class Alt:
    """Any one of `parts`; no part is the empty language."""

    parts: tuple["Node", ...]


@dataclass(frozen=True)
class Repeat:
    """`node` at least `low` and at most `high` times, without end where `high` is None."""

    node: "Node"
    low: int
    high: int | None


@dataclass(frozen=True)
class Call:
    """Whatever the rule called `name` derives."""

    name: str


@dataclass(frozen=True)
class Automaton:
    """A path from state 0 to a state of `finals`: the nodes of its edges, one after the other."""

    edges: tuple[tuple[tuple["Node", int], ...], ...]
    """Of each state, what may be read and the state that it leads to."""
    finals: frozenset[int]


Node = Chars | Seq | Alt | Repeat | Call | Automaton

EMPTY: Final = Seq(())
"""The empty text."""


@dataclass(frozen=True)
class Grammar:
    """Named right-hand sides and the rule that a whole text has to match."""

    rules: Mapping[str, Node]
    start: str = "start"
    dropped: tuple[str, ...] = ()
    """What a lenient front end left out of the language's definition, place and keyword each."""


def literal(text: str) -> Node:
    """Exactly `text`."""
    return Seq(tuple(Chars(((ord(char), ord(char)),)) for char in text))


def star(node: Node) -> Node:
    """`node` any number of times."""
    return Repeat(node, 0, None)


def choice(parts: Sequence[Node]) -> Node:
    """Any one of `parts`; a single part stands for itself."""
    return parts[0] if len(parts) == 1 else Alt(tuple(parts))


def complement(ranges: Sequence[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """The code points outside `ranges`, surrogates among them: no text holds those anyway."""
    gaps, begin = [], 0
    for low, high in sorted(ranges):
        if low > begin:
            gaps.append((begin, low - 1))
        begin = max(begin, high + 1)
    return (*gaps, (begin, LAST_CODE_POINT)) if begin <= LAST_CODE_POINT else tuple(gaps)
