"""Tokens as lexers see them: what each says from every state, and classes that say the same.

A token is run from all states at once. The set of outcomes so far, one for each state and way of
cutting, is itself a state of an automaton that is made as tokens need it: most tokens are letters
behind letters, and share all of it.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from jaxtyping import Int

from grammar.errors import LimitError
from grammar.general.lexer import Emitted
from grammar.general.reader import Reader
from grammar.vocabulary import Vocabulary

LEXINGS = 256
"""The most ways in which a token may be cut from one state."""

SETS = 200_000
"""The most sets of outcomes that the tokens of a vocabulary may need."""

Outcome = tuple[int, Emitted, int]
"""A state, what is said, and the next state."""

Follows = Mapping[int, frozenset[int]]
"""Of what is said first, what may be said next."""


class LexedTokens(NamedTuple):
    """The tokens of a vocabulary."""

    class_of_token: Int[np.ndarray, " vocabulary"]
    """-1 for tokens that occur in no text, and for stop tokens."""
    outcomes: tuple[tuple[Outcome, ...], ...]
    """Of each class."""
    least_bytes: Int[np.ndarray, " classes"]
    """Of each class, the length of its shortest token."""


class _Runner:
    """Sets of outcomes by number, and the steps between them."""

    def __init__(self, reader: Reader, follows: Follows):
        self.follows, self.moves = follows, reader.moves
        # What a lexeme that is not over is, counts as said before: it says what may come next.
        self.before = [kind[-1] if kind else -1 for kind in reader.kind]
        states = range(len(reader.moves))
        first: frozenset[Outcome] = frozenset((state, (), state) for state in states)
        self.numbers: dict[frozenset[Outcome], int] = {first: 0}
        self.sets: list[frozenset[Outcome]] = [first]
        self.steps: dict[tuple[int, int], int] = {}

    def step(self, number: int, symbol: int) -> int:
        known = self.steps.get((number, symbol))
        if known is None:
            after = frozenset(self._after(self.sets[number], symbol))
            known = self.numbers.setdefault(after, len(self.sets))
            if known == len(self.sets):
                _check(after, len(self.moves), known)
                self.sets.append(after)
            self.steps[number, symbol] = known
        return known

    def _after(self, present: frozenset[Outcome], symbol: int) -> set[Outcome]:
        after = set()
        for source, said, state in present:
            for fresh, target in self.moves[state][symbol]:
                if not fresh:
                    after.add((source, said, target))
                    continue
                before = said[-1] if said else self.before[source]
                if before < 0 or fresh[0] in self.follows[before]:
                    after.add((source, said + fresh, target))
        return after


def _check(present: frozenset[Outcome], states: int, number: int) -> None:
    if number >= SETS:
        raise LimitError(f"tokens must have at most {SETS} sets of lexings, got more")
    if len(present) <= LEXINGS:
        return
    counts: dict[int, int] = {}
    for source, _, _ in present:
        counts[source] = counts.get(source, 0) + 1
    if len(present) > LEXINGS * states or max(counts.values()) > LEXINGS:
        raise LimitError(
            f"ambiguous lexing: a token must be cut in at most {LEXINGS} ways, got more"
        )


def lex_tokens(reader: Reader, vocabulary: Vocabulary, follows: Follows) -> LexedTokens:
    """The classes of a vocabulary's tokens.

    Args:
        reader: The lexer.
        vocabulary: The tokens.
        follows: What may be said behind what; other outcomes are in no text and left out.

    Raises:
        LimitError: a token has too many lexings.
    """
    runner = _Runner(reader, follows)
    unread = max(reader.class_of_byte) + 1
    table = bytes(number if number >= 0 else unread for number in reader.class_of_byte)
    class_of_token = np.full(len(vocabulary.tokens), -1, np.int32)
    ends: dict[bytes, int] = {b"": 0}
    numbers: dict[int, int] = {}
    least: list[int] = []
    for token in range(len(vocabulary.tokens)):
        text = vocabulary.written(token).translate(table)
        if not text:
            continue
        number = ends.get(text, -1)
        if number < 0:
            number = 0
            for symbol in text:
                if symbol == unread or not runner.sets[number]:
                    number = runner.numbers.setdefault(frozenset(), len(runner.sets))
                    if number == len(runner.sets):
                        runner.sets.append(frozenset())
                    break
                number = runner.step(number, symbol)
            ends[text] = number
        if runner.sets[number]:
            own = class_of_token[token] = numbers.setdefault(number, len(numbers))
            least += [len(text)] * (own == len(least))
            least[own] = min(least[own], len(text))
    outcomes = tuple(tuple(sorted(runner.sets[number])) for number in numbers)
    return LexedTokens(class_of_token, outcomes, np.asarray(least, np.int32))
