"""Fragments of text with holes of any length between them, for grammars over lexemes.

The lattice is that of the lexer: a node is a place in the fragments and a state of the lexer. In a
hole it is a boundary between lexemes, known by the bytes that the next lexeme may begin with: these
are what the lexeme before it could not have gone on with. Edges are kinds of lexemes.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

from grammar.errors import LimitError
from grammar.general.lexer import START, Lexer, build_lexer
from grammar.general.lexicon import Lexed, Lexicon
from grammar.general.symbols import Parts, build_parts
from grammar.intersection import Graph, intersects
from grammar.network import Network

LEXINGS = 10_000
"""The most ways in which a fragment may be cut."""


class Inside(NamedTuple):
    """Before the element `place`, in a state of the lexer, at a depth of indentation."""

    place: int
    state: int
    depth: int


class Between(NamedTuple):
    """In the hole `place`, between lexemes; the next one begins with one of `first`."""

    place: int
    first: frozenset[int]
    depth: int


class End(NamedTuple):
    """Behind all."""


Place = Inside | Between | End


class _Lattice:
    """Edges of the lattice, as they are asked for."""

    def __init__(self, parts: Parts, elements: Sequence[int | None]):
        self.parts, self.lexer, self.elements = parts, parts.lexer, elements
        self.symbols = range(len(self.lexer.steps[0]))
        self.reach = [self._reach(state) for state in range(len(self.lexer.steps))]
        starts = self.lexer.steps[START]
        self.starts = frozenset(symbol for symbol in self.symbols if starts[symbol] >= 0)
        self.fresh = [
            frozenset(symbol for symbol in self.starts if self.lexer.ends_before(state, symbol))
            for state in range(len(self.lexer.steps))
        ]

    def _reach(self, state: int) -> frozenset[int]:
        """The states further on in the same lexeme, this one included."""
        reached, waiting = {state}, [state]
        while waiting:
            fresh = {target for target in self.lexer.steps[waiting.pop()] if target >= 0} - reached
            reached |= fresh
            waiting += fresh
        return frozenset(reached)

    def said(self, state: int, depth: int) -> Iterable[tuple[tuple[int, ...], int]]:
        """What the rules read where a lexeme ends, and the depth behind it."""
        for said in self.lexer.says[state]:
            if said and said[0] in self.parts.lines:
                level = self.parts.lines.index(said[0])
                line = self.parts.line(depth, level)
                if line is not None:
                    yield line, level
            else:
                yield said, depth

    def edges(self, node: Place) -> list[tuple[tuple[int, ...], Place]]:
        """What is read, and the next node."""
        match node:
            case Between():
                return self._between(node)
            case Inside():
                return self._inside(node)
        return []

    def _inside(self, node: Inside) -> list[tuple[tuple[int, ...], Place]]:
        place, state, depth = node
        if place == len(self.elements):
            return [(said, End()) for said in self._last(state, depth)]
        element = self.elements[place]
        found: list[tuple[tuple[int, ...], Place]] = []
        if element is None:
            return self._through(place, self.reach[state], depth)
        symbol = self.lexer.class_of_byte[element]
        if symbol < 0:
            return []
        onward, first = self.lexer.steps[state][symbol], self.lexer.steps[START][symbol]
        if onward >= 0:
            found.append(((), Inside(place + 1, onward, depth)))
        if first >= 0 and self.lexer.ends_before(state, symbol):
            found += [
                (said, Inside(place + 1, first, level)) for said, level in self.said(state, depth)
            ]
        return found

    def _between(self, node: Between) -> list[tuple[tuple[int, ...], Place]]:
        starts = self.lexer.steps[START]
        reached = frozenset[int]().union(*(self.reach[starts[symbol]] for symbol in node.first))
        return self._through(node.place, reached, node.depth)

    def _through(
        self, place: int, states: Iterable[int], depth: int
    ) -> list[tuple[tuple[int, ...], Place]]:
        """Out of a hole in any of the states, or on to another lexeme in it."""
        found: dict[tuple[tuple[int, ...], Place], None] = {}
        for state in states:
            found[(), Inside(place + 1, state, depth)] = None
            if self.fresh[state]:
                for said, level in self.said(state, depth):
                    found[said, Between(place, self.fresh[state], level)] = None
        return list(found)

    def _last(self, state: int, depth: int) -> list[tuple[int, ...]]:
        """What the rules read at the end of the text."""
        if not self.parts.lines:
            return [()] if state == self.lexer.begin else list(self.lexer.says[state])
        end = self.parts.line(depth, 0) or ()
        return [
            end if said and said[0] in self.parts.lines else (*said, *end)
            for said in self.lexer.says[state]
        ]


def _graph(lattice: _Lattice) -> Graph:
    """The lattice without silent edges: node 0 is the start."""
    begin = Inside(0, lattice.lexer.begin, 0)
    numbers: dict[object, int] = {begin: 0}
    labelled: list[dict[int, set[int]]] = [{}]
    silent: list[set[int]] = [set()]
    waiting: list[Place] = [begin]

    def number(node: object) -> int:
        if node not in numbers:
            numbers[node] = len(numbers)
            labelled.append({})
            silent.append(set())
        return numbers[node]

    while waiting:
        node = waiting.pop()
        own = numbers[node]
        for read, target in lattice.edges(node):
            if target not in numbers:
                waiting.append(target)
            after = number(target)
            for position in range(len(read) - 1, 0, -1):
                middle = number((read[position:], target))
                labelled[middle].setdefault(read[position], set()).add(after)
                after = middle
            if read:
                labelled[own].setdefault(read[0], set()).add(after)
            else:
                silent[own].add(after)
    return _without_silent(labelled, silent, numbers.get(End(), -1))


def _without_silent(labelled: list[dict[int, set[int]]], silent: list[set[int]], end: int) -> Graph:
    edges, ends = [], set()
    for own in range(len(labelled)):
        reached, waiting = {own}, [own]
        while waiting:
            fresh = silent[waiting.pop()] - reached
            reached |= fresh
            waiting += fresh
        row: dict[int, set[int]] = {}
        for node in reached:
            for label, targets in labelled[node].items():
                row.setdefault(label, set()).update(targets)
        edges.append(row)
        if end in reached:
            ends.add(own)
    return Graph(edges, ends)


def _elements(fragments: Sequence[str | None]) -> list[int | None]:
    """Bytes one by one, None for holes."""
    elements: list[int | None] = []
    for fragment in fragments:
        elements += [None] if fragment is None else list(fragment.encode())
    return elements


def completable_lexed(grammar: Lexed, fragments: Sequence[str | None]) -> bool:
    """As `grammar.completable`, for a grammar over lexemes."""
    parts = build_parts(grammar)
    graph = _graph(_Lattice(parts, _elements(fragments)))
    return intersects(_by_class(parts.network), graph)


def _by_class(network: Network) -> Network:
    """The network for a graph whose edges are classes already."""
    return replace(network, class_of_byte=tuple(range(max(network.class_of_byte) + 1)))


class Lexing(NamedTuple):
    """One way in which a fragment may be cut."""

    terminals: tuple[frozenset[str], ...]
    """Of each lexeme, the terminals that it may be; ignored ones are left out."""
    first: bytes | None
    """What of the fragment belongs to a lexeme that began before it; None: it begins with one."""
    last: bytes | None
    """What of it belongs to a lexeme that goes on behind it."""


def lexings(lexicon: Lexicon, fragment: str, first: bool = False) -> set[Lexing]:
    """All ways in which a fragment of a text may be cut into lexemes.

    A lexeme that reaches over an edge of the fragment has both a part in it and one outside.

    Args:
        lexicon: The terminals. Indentation is not looked at.
        fragment: Any part of a text.
        first: Whether the text begins with it.

    Raises:
        LimitError: more than 10,000 ways.
    """
    lexer, kinds = build_lexer(replace(lexicon, indent=None))
    text = fragment.encode()
    found: set[Lexing] = set()
    # What is said so far, where the first lexeme inside begins, where the present one does, state.
    present: set[tuple[tuple[int, ...], int, int, int]] = {((), 0, 0, START)}
    if not first:
        present |= {((), -1, -1, state) for state in _inner(lexer)}
    for place, byte in enumerate(text):
        present = _after(lexer, present, place, lexer.class_of_byte[byte])
        if len(present) > LEXINGS:
            raise LimitError(f"a fragment must be cut in at most {LEXINGS} ways, got more")
    for said, begun, begin, state in present:
        for over, ways in ((True, lexer.says[state]), (False, _later(lexer, state))):
            for last in ways:
                names = tuple(kinds.names[kind] for kind in said + last)
                whole = text if begun < 0 else text[:begun] or None
                part = None if over else text[max(begin, 0) :]
                ignored = not last
                found.add(
                    Lexing(
                        names,
                        None if ignored and begun < 0 else whole,
                        None if ignored else part,
                    )
                )
    return found


def _inner(lexer: Lexer) -> set[int]:
    """States inside a lexeme that has begun."""
    return {target for row in lexer.steps for target in row if target >= 0}


def _after(
    lexer: Lexer, present: set[tuple[tuple[int, ...], int, int, int]], place: int, symbol: int
) -> set[tuple[tuple[int, ...], int, int, int]]:
    after = set()
    for said, begun, begin, state in present if symbol >= 0 else ():
        onward, fresh = lexer.steps[state][symbol], lexer.steps[START][symbol]
        if onward >= 0 and (state != START or place == 0):
            after.add((said, begun, begin, onward))
        # At the fragment's edge a lexeme that is over already belongs to what lies before.
        if fresh >= 0 and state != START and place > 0 and lexer.ends_before(state, symbol):
            for own in lexer.says[state]:
                edge = begun if begun >= 0 else place if own else 0
                after.add((said + own, edge, place, fresh))
    return after


def _later(lexer: Lexer, state: int) -> set[tuple[int, ...]]:
    """What a lexeme may become that goes on for at least a byte."""
    reached, waiting = set(), [state]
    while waiting:
        fresh = {target for target in lexer.steps[waiting.pop()] if target >= 0} - reached
        reached |= fresh
        waiting += fresh
    return {said for target in reached for said in lexer.says[target]}
