"""Tokens as effects on a stack that is not known yet, and classes of tokens with the same effects.

A token's bytes are run from every state. What comes out is a set of effects: which return points
have to be popped, which are pushed instead, and the next state. Tokens with the same effects are
one class, and everything later is done once a class. Effects share their futures: an effect is a
source state and a node, a node is one operation and the node of what remains to be done.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

import numpy as np
from jaxtyping import Int

from grammar.errors import LimitError
from grammar.machine import Machine
from grammar.vocabulary import Vocabulary

CONFIGURATIONS = 2_000_000
"""The most effects that the tokens together may have, before equal ones are shared."""


WORK = 5_000_000
"""The most effects that are looked at on the way, each once a class of bytes."""


class Operation(IntEnum):
    """What a node does before its future."""

    END = 0
    """Nothing: the token is over, `symbol` is the next state."""
    POP = 1
    PUSH = 2
    TEST = 3
    """A pop and a push of the same return point: it has to be on top and stays there."""


class FutureNode(NamedTuple):
    """One operation on the stack and what follows: a node of smaller number, -1 at an end."""

    operation: Operation
    symbol: int
    future: int


class Effect(NamedTuple):
    """From a state on, everything that `node` says."""

    source: int
    node: int


@dataclass(frozen=True)
class TokenClasses:
    """The tokens of a vocabulary as a machine sees them."""

    class_of_token: Int[np.ndarray, " vocabulary"]
    """-1 for tokens that occur in no text (and for stop tokens)."""
    members: tuple[tuple[int, ...], ...]
    """Of each class, the indices of its effects."""
    effects: tuple[Effect, ...]
    nodes: tuple[FutureNode, ...]


_Configuration = tuple[int, tuple[int, ...], tuple[int, ...], int]
"""Source state, popped return points, pushed ones, present state."""


class _Runs:
    """What bytes do to configurations: sets of these by number, each step from each set made once.

    Set 0 is empty. Beginnings of tokens are few as sets: wherever a text may say anything, one byte
    leads back to the set that it came from.
    """

    def __init__(self, machine: Machine, limit: int):
        self.machine, self.limit, self.total, self.work = machine, limit, 0, 0
        self.numbers: dict[frozenset[_Configuration], int] = {frozenset(): 0}
        self.sets: list[frozenset[_Configuration]] = [frozenset()]
        self.steps: list[dict[int, int]] = [{}]
        states = enumerate(machine.moves)
        self.start = self.number(frozenset((s, (), (), s) for s, moves in states if moves))

    def number(self, configurations: frozenset[_Configuration]) -> int:
        known = self.numbers.get(configurations)
        if known is not None:
            return known
        self.total += len(configurations)
        if self.total > self.limit:
            raise LimitError(f"tokens must have at most {self.limit} effects, got more")
        self.numbers[configurations] = len(self.sets)
        self.sets.append(configurations)
        self.steps.append({})
        return len(self.sets) - 1

    def run(self, text: bytes) -> int:
        """The number of what a token of these classes of bytes leads to from everywhere."""
        present = self.start
        for symbol in text:
            after = self.steps[present].get(symbol)
            if after is None:
                after = self.number(self.advance(symbol, self.sets[present]))
                self.steps[present][symbol] = after
            present = after
            if not present:
                break
        return present

    def advance(self, symbol: int, present: frozenset[_Configuration]) -> frozenset[_Configuration]:
        """All configurations one byte later. A pop takes the last push away, or looks below it."""
        self.work += len(present)
        if self.work > WORK:
            raise LimitError(f"tokens must need at most {WORK} steps through states, got more")
        after = set()
        for source, pops, pushes, state in present:
            for move in self.machine.moves[state].get(symbol, ()):
                if move.pop is None:
                    after.add((source, pops, pushes + move.push, move.target))
                elif not pushes:
                    after.add((source, (*pops, move.pop), move.push, move.target))
                elif pushes[-1] == move.pop:
                    after.add((source, pops, pushes[:-1] + move.push, move.target))
        return frozenset(after)


class _Nodes:
    """Numbers for nodes and effects, futures first."""

    def __init__(self):
        self.nodes: dict[FutureNode, int] = {}
        self.effects: dict[Effect, int] = {}
        self.known: dict[_Configuration, int] = {}

    def node(self, operation: Operation, symbol: int, future: int) -> int:
        return self.nodes.setdefault(FutureNode(operation, symbol, future), len(self.nodes))

    def effect(self, configuration: _Configuration) -> int:
        known = self.known.get(configuration)
        if known is not None:
            return known
        source, pops, pushes, state = configuration
        node = self.node(Operation.END, state, -1)
        same = bool(pops) and bool(pushes) and pops[-1] == pushes[0]
        for symbol in reversed(pushes[same:]):
            node = self.node(Operation.PUSH, symbol, node)
        if same:
            node = self.node(Operation.TEST, pops[-1], node)
            pops = pops[:-1]
        for symbol in reversed(pops):
            node = self.node(Operation.POP, symbol, node)
        number = self.effects.setdefault(Effect(source, node), len(self.effects))
        self.known[configuration] = number
        return number


def build_classes(
    machine: Machine, vocabulary: Vocabulary, limit: int = CONFIGURATIONS
) -> TokenClasses:
    """The classes of a vocabulary's tokens.

    Tokens whose bytes are of the same classes are run once.

    Raises:
        LimitError: the beginnings of the tokens have more than `limit` effects.
    """
    texts, text_of_token = _texts(machine, vocabulary)
    runs = _Runs(machine, limit)
    ends = [runs.run(text) for text in texts]
    used = dict.fromkeys(end for end in ends if end)
    number = {end: position for position, end in enumerate(used)} | {0: -1}
    class_of_text = np.asarray([number[end] for end in ends] + [-1], np.int32)
    shared = _Nodes()
    members = tuple(tuple(sorted(map(shared.effect, runs.sets[end]))) for end in used)
    return TokenClasses(
        class_of_text[text_of_token], members, tuple(shared.effects), tuple(shared.nodes)
    )


def _texts(
    machine: Machine, vocabulary: Vocabulary
) -> tuple[list[bytes], Int[np.ndarray, " vocabulary"]]:
    """Distinct tokens as classes of bytes; of each token the index, -1 where no text has it."""
    dead = bytes(byte for byte, number in enumerate(machine.class_of_byte) if number < 0)
    to_class = bytes(max(number, 0) for number in machine.class_of_byte)
    numbers: dict[bytes, int] = {}
    found = []
    for token in range(len(vocabulary.tokens)):
        text = vocabulary.written(token)
        alive = text and len(text.translate(None, dead)) == len(text)
        found.append(numbers.setdefault(text.translate(to_class), len(numbers)) if alive else -1)
    return list(numbers), np.asarray(found, np.int32)
