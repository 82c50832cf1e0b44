"""Everything that is compiled of a grammar over lexemes for one vocabulary, as plain arrays.

Control states are those of the machine, once for every depth of indentation. What a token says is a
node: one operation and the node of what remains, the state of the lexer at the end. A set of
classes at one position becomes a plan, in which outcomes that agree are taken together.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Int

from grammar.errors import LimitError
from grammar.general.lexer import START
from grammar.general.reader import Reader
from grammar.general.symbols import Parts
from grammar.general.tokens import Follows, LexedTokens, Outcome
from grammar.machine import Machine

NODES = 1_000_000
"""The most nodes and outcomes of all classes together."""

Ints = Int[np.ndarray, " _"]


class MoveTables(NamedTuple):
    """The machine: moves of each state and operation, and lists of pushed return points."""

    begins: Ints
    """Of `state * operations + operation`, where its moves begin."""
    pop: Ints
    """The return point that has to be on top, or -1; of a state and an operation in order."""
    pushes: Ints
    """A list of return points, 0 for none."""
    target: Ints
    list_symbol: Ints
    """Of each list its first return point, the lowest on the stack."""
    list_rest: Ints
    finals: Bool[np.ndarray, " states"]
    operations: int
    symbols: int


@dataclass(frozen=True)
class Content:
    """What is kept of a compiled grammar.

    Attributes:
        moves: The machine.
        ends: States of the reader, and behind them the state behind the end of a text.
        node_operation: Of each node, -1 for ends, which come first: one a state of the reader.
        node_next: What remains.
        outcomes: Rows of class, state of the reader, first operation (-1: none) and node; sorted by
            class. Behind the classes of tokens come the end of a text and its beginning.
        start: The machine's first state.
        class_of_token: -1 for tokens of no text.
        basis: Classes by use, the most useful first.
    """

    moves: MoveTables
    ends: int
    node_operation: Ints
    node_next: Ints
    outcomes: Int[np.ndarray, "n 4"]
    start: int
    class_of_token: Ints
    basis: Ints

    @property
    def classes(self) -> int:
        """Classes of tokens; the next number is the end of a text, the one behind its beginning."""
        return len(self.basis)

    @cached_property
    def first_outcomes(self) -> Ints:
        """Where the outcomes of each class begin."""
        of_class = np.ascontiguousarray(self.outcomes[:, 0])
        return np.searchsorted(of_class, np.arange(self.classes + 3, dtype=of_class.dtype))


def packed(content: Content) -> dict[str, np.ndarray]:
    """A content as named arrays."""
    own = {name: np.asarray(getattr(content, name)) for name in _PLAIN}
    return own | {f"moves {name}": np.asarray(part) for name, part in _named(content.moves)}


def unpacked(arrays: Mapping[str, np.ndarray]) -> Content:
    """The content of `packed`'s arrays; KeyError where one is missing."""
    named: dict[str, Any] = dict(arrays)
    moves = {name: named[f"moves {name}"] for name in MoveTables._fields}
    moves |= {name: int(moves[name]) for name in ("operations", "symbols")}
    own = {name: named[name] for name in _PLAIN}
    own |= {name: int(own[name]) for name in ("ends", "start")}
    return Content(MoveTables(**moves), **own)


_PLAIN = (
    "ends",
    "node_operation",
    "node_next",
    "outcomes",
    "start",
    "class_of_token",
    "basis",
)


def _named(moves: MoveTables) -> list[tuple[str, Any]]:
    return list(moves._asdict().items())


def follows_of(parts: Parts, machine: Machine) -> Follows:
    """What the lexer may say behind what, as far as the machine's moves tell."""
    reads = [frozenset(row) for row in machine.moves]
    found: dict[int, set[int]] = {}
    for row in machine.moves:
        for symbol, moves in row.items():
            own = found.setdefault(symbol, set())
            for move in moves:
                own |= reads[move.target]
    every = set(range(parts.classes)) | set(parts.lines)
    closed: dict[int, frozenset[int]] = {}
    for symbol in every:
        own = found.get(symbol, set())
        closed[symbol] = frozenset(own | (set(parts.lines) if parts.newline in own else set()))
    for line in parts.lines:  # more lines say several things at once
        closed[line] = frozenset(every)
    return closed


class _Operations:
    """Numbers of operations: classes of kinds, then steps from one depth to another."""

    def __init__(self, parts: Parts):
        self.parts, depths = parts, range(max(len(parts.lines), 1))
        self.depths = len(depths)
        self.turns = {
            (depth, level): parts.classes + number
            for number, (depth, level) in enumerate(
                (depth, level)
                for depth in depths
                for level in depths
                if parts.lines and parts.line(depth, level) is not None
            )
        }

    @property
    def number(self) -> int:
        return self.parts.classes + len(self.turns)

    def spell(self, said: Sequence[int]) -> list[tuple[int, ...]]:
        """What is said as operations: once for every depth that it may be said at."""
        lines = self.parts.lines
        if not any(symbol in lines for symbol in said):
            return [tuple(said)]
        found = []
        for begin in range(self.depths):
            depth, spelled = begin, []
            for symbol in said:
                if symbol not in lines:
                    spelled.append(symbol)
                    continue
                level = lines.index(symbol)
                if (depth, level) not in self.turns:
                    break
                spelled.append(self.turns[depth, level])
                spelled += self.parts.line(depth, level) or ()
                depth = level
            else:
                found.append(tuple(spelled))
        return found


def _move_tables(machine: Machine, operations: _Operations) -> MoveTables:
    """The machine's moves, the same at every depth, and those from one depth to another."""
    size = len(machine.moves)
    lists: dict[tuple[int, ...], int] = {(): 0}

    def listed(pushes: tuple[int, ...]) -> int:
        if pushes not in lists:
            listed(pushes[1:])
            lists[pushes] = len(lists)
        return lists[pushes]

    counts, rows = [], []
    turns: list[list[tuple[int, int]]] = [[] for _ in range(operations.depths)]
    for (depth, level), number in operations.turns.items():
        turns[depth].append((number, level))
    for depth in range(operations.depths):
        for state, row in enumerate(machine.moves):
            own: list[list[tuple[int, int, int]]] = [[] for _ in range(operations.number)]
            for symbol, moves in row.items():
                for pop, push, target in moves:
                    number = -1 if pop is None else pop
                    own[symbol].append((number, listed(push), depth * size + target))
            for number, level in turns[depth]:
                own[number].append((-1, 0, level * size + state))
            counts += [len(moves) for moves in own]
            # Those that pop the same come together: the passes look for it once.
            rows += [move for moves in own for move in sorted(moves)]
    table = np.asarray(rows, np.int32).reshape(-1, 3)
    order = sorted(lists, key=lists.__getitem__)
    finals = np.zeros(size * operations.depths, np.bool_)
    finals[sorted(machine.finals)] = True
    return MoveTables(
        np.concatenate([[0], np.cumsum(counts)]).astype(np.int32),
        np.ascontiguousarray(table[:, 0]),
        np.ascontiguousarray(table[:, 1]),
        np.ascontiguousarray(table[:, 2]),
        np.asarray([pushes[0] if pushes else -1 for pushes in order], np.int32),
        np.asarray([lists[pushes[1:]] if pushes else -1 for pushes in order], np.int32),
        finals,
        operations.number,
        size,
    )


def build_content(parts: Parts, reader: Reader, machine: Machine, tokens: LexedTokens) -> Content:
    """Puts the parts together.

    Raises:
        LimitError: too many nodes.
    """
    operations = _Operations(parts)
    states = len(reader.moves)
    nodes: dict[tuple[int, int], int] = {(-1, -1 - end): end for end in range(states + 1)}

    def node(said: Sequence[int], end: int) -> int:
        number = end
        for operation in reversed(said):
            number = nodes.setdefault((operation, number), len(nodes))
        return number

    rows = []
    last = [(state, said, states) for state in range(states) for said in reader.last[state]]
    for own, outcomes in enumerate([*tokens.outcomes, last, _first(parts, reader)]):
        for state, said, end in outcomes:
            for spelled in operations.spell(said):
                first = spelled[0] if spelled else -1
                rows.append((own, state, first, node(spelled[1:], end)))
        if len(rows) > NODES or len(nodes) > NODES:
            raise LimitError(f"tokens must have at most {NODES} outcomes, got more")
    order = sorted(nodes, key=nodes.__getitem__)
    return Content(
        _move_tables(machine, operations),
        states + 1,
        np.asarray([operation for operation, _ in order], np.int32),
        np.asarray([after for _, after in order], np.int32),
        np.asarray(rows, np.int32).reshape(-1, 4),
        machine.start,
        tokens.class_of_token,
        basis_of(reader, tokens),
    )


def _first(parts: Parts, reader: Reader) -> list[Outcome]:
    """A text begins as it is or, with blocks by indentation, behind a line feed."""
    if not parts.lines:
        return [(START, (), START)]
    line = reader.class_of_byte[ord("\n")]
    return [(START, said, target) for said, target in reader.moves[START][line]]


def basis_of(reader: Reader, tokens: LexedTokens) -> Ints:
    """The classes, the most useful first.

    First a class that writes a whole lexeme of each kind, the one with most tokens, and where there
    is none those that write one in the fewest tokens: whatever the rules want can be written. Then
    by the number of their tokens.
    """
    sizes = np.bincount(
        tokens.class_of_token[tokens.class_of_token >= 0], minlength=len(tokens.outcomes)
    )
    order = np.lexsort((tokens.least_bytes, -sizes)).tolist()
    ways: dict[int, dict[int, int]] = {}
    for number in order:
        for state, said, end in tokens.outcomes[number]:
            if not said or (state == START and said == reader.kind[end]):
                ways.setdefault(state, {}).setdefault(end, number)
    chosen: dict[int, None] = {}
    reached: dict[int, tuple[int, ...]] = {START: ()}
    waiting, missing = [START], set(reader.kind)
    for state in waiting:
        if state != START and reader.kind[state] in missing and _over(reader, state):
            missing.discard(reader.kind[state])
            chosen |= dict.fromkeys(reached[state])
        for end, number in ways.get(state, {}).items():
            if end not in reached:
                reached[end] = (*reached[state], number)
                waiting.append(end)
    return np.asarray(list(dict.fromkeys([*chosen, *order])), np.int32)


def _over(reader: Reader, state: int) -> bool:
    """Whether the lexeme may be over in a state."""
    fresh = (target for row in reader.moves[state] for said, target in row if said)
    return bool(reader.last[state]) or any(True for _ in fresh)
