"""The lexer turned round: what a lexeme is to be is said where it begins.

A lexer knows the kind of a lexeme at its end. Here it is guessed at its first byte and kept along
until it proves right, so that the rules have read it by then. A canvas has many ways of being
inside a lexeme, and the states of the rules behind one kind are far fewer than those before it.
"""

from collections.abc import Hashable, Sequence
from typing import NamedTuple

from grammar.automaton import equivalent
from grammar.general.lexer import START, Emitted, Lexer

Move = tuple[Emitted, int]
"""What is said, and the next state."""


class Reader(NamedTuple):
    """An automaton over classes of bytes; state `START` is in front of all lexemes."""

    moves: tuple[tuple[tuple[Move, ...], ...], ...]
    """Of each state and class of bytes."""
    last: tuple[tuple[Emitted, ...], ...]
    """Of each state, what is still said if the text ends there; empty where it may not end."""
    kind: tuple[Emitted, ...]
    """Of each state, what has been said of the lexeme that is read."""
    class_of_byte: tuple[int, ...]


def build_reader(lexer: Lexer, lines: tuple[int, ...]) -> Reader:
    """The reader of a lexer; `lines` are the kinds of new lines, by level."""
    possible = _possible(lexer)
    symbols = range(len(lexer.steps[0]))
    states: dict[tuple[int, Emitted], int] = {(START, ()): 0}
    moves: list[list[tuple[Move, ...]]] = []
    for state, kind in (order := list(states)):
        row = []
        for symbol in symbols:
            onward, first = lexer.steps[state][symbol], lexer.steps[START][symbol]
            found: list[tuple[Emitted, tuple[int, Emitted]]] = []
            if state != START and onward >= 0 and kind in possible[onward]:
                found.append(((), (onward, kind)))
            ends = kind in lexer.says[state] and lexer.ends_before(state, symbol)
            if first >= 0 and (state == START or ends):
                found += [(said, (first, said)) for said in sorted(possible[first])]
            for _, pair in found:
                if pair not in states:
                    states[pair] = len(order)
                    order.append(pair)
            row.append(tuple((said, states[pair]) for said, pair in found))
        moves.append(row)
    last = [_last(lexer, lines, state, kind) for state, kind in order]
    kinds = [kind for _, kind in order]
    return _merged(Reader(tuple(map(tuple, moves)), tuple(last), tuple(kinds), lexer.class_of_byte))


def _possible(lexer: Lexer) -> list[set[Emitted]]:
    """Of each state, what may be said where the lexeme ends."""
    possible = [set(said) for said in lexer.says]
    changed = True
    while changed:
        changed = False
        for state, row in enumerate(lexer.steps):
            for target in set(row):
                if target >= 0 and not possible[target] <= possible[state]:
                    possible[state] |= possible[target]
                    changed = True
    return possible


def _last(lexer: Lexer, lines: tuple[int, ...], state: int, kind: Emitted) -> tuple[Emitted, ...]:
    """What is said at the end of a text: with blocks by indentation, a last new line."""
    if not lines:
        return ((),) if state == START or kind in lexer.says[state] else ()
    end = (lines[0],)
    if kind == end:  # spaces may follow the last line feed
        return ((),) if any(said and said[0] in lines for said in lexer.says[state]) else ()
    return (end,) if kind in lexer.says[state] and not set(kind) & set(lines) else ()


def _merged(reader: Reader) -> Reader:
    """With the states merged that are the same from now on."""

    def key(state: int, block: Sequence[int]) -> Hashable:
        moves = tuple(
            frozenset((said, block[target]) for said, target in row) for row in reader.moves[state]
        )
        return state == START, reader.last[state], reader.kind[state], moves

    targets = [[target for row in rows for _, target in row] for rows in reader.moves]
    block = equivalent(targets, key)
    first: dict[int, int] = {}
    for state, number in enumerate(block):
        first.setdefault(number, state)
    numbers = {number: position for position, number in enumerate(first)}

    def renamed(row: tuple[Move, ...]) -> tuple[Move, ...]:
        return tuple(dict.fromkeys((said, numbers[block[target]]) for said, target in row))

    return Reader(
        tuple(tuple(map(renamed, reader.moves[state])) for state in first.values()),
        tuple(reader.last[state] for state in first.values()),
        tuple(reader.kind[state] for state in first.values()),
        reader.class_of_byte,
    )
