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


WORK = 40_000_000
"""The most effects that are looked at on the way, one a byte."""


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


def _advance(machine: Machine, symbol: int, present: set[_Configuration]) -> set[_Configuration]:
    """All configurations one byte later. A pop takes the last push away, or looks below it."""
    after = set()
    for source, pops, pushes, state in present:
        for move in machine.moves[state].get(symbol, ()):
            if move.pop is None:
                after.add((source, pops, pushes + move.push, move.target))
            elif not pushes:
                after.add((source, (*pops, move.pop), move.push, move.target))
            elif pushes[-1] == move.pop:
                after.add((source, pops, pushes[:-1] + move.push, move.target))
    return after


class _Nodes:
    """Numbers for nodes and effects, futures first."""

    def __init__(self):
        self.nodes: dict[FutureNode, int] = {}
        self.effects: dict[Effect, int] = {}

    def node(self, operation: Operation, symbol: int, future: int) -> int:
        return self.nodes.setdefault(FutureNode(operation, symbol, future), len(self.nodes))

    def effect(self, configuration: _Configuration) -> int:
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
        return self.effects.setdefault(Effect(source, node), len(self.effects))


def _common(left: bytes, right: bytes) -> int:
    """How many bytes two texts share at their beginnings."""
    pairs = zip(left, right, strict=False)
    return next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(left), len(right)))


def build_classes(
    machine: Machine, vocabulary: Vocabulary, limit: int = CONFIGURATIONS
) -> TokenClasses:
    """The classes of a vocabulary's tokens.

    Tokens are visited in the order of their bytes, so that common beginnings are run once.

    Raises:
        LimitError: the tokens have more than `limit` effects.
    """
    texts = [vocabulary.written(token) for token in range(len(vocabulary.tokens))]
    class_of_token = np.full(len(texts), -1, np.int32)
    numbers: dict[frozenset[_Configuration], int] = {}
    start: set[_Configuration] = {(state, (), (), state) for state in range(len(machine.moves))}
    path, previous, total, work = [start], b"", 0, 0
    for token in sorted(filter(texts.__getitem__, range(len(texts))), key=texts.__getitem__):
        text = texts[token]
        del path[_common(previous, text) + 1 :]
        for byte in text[len(path) - 1 :]:
            work += len(path[-1])
            path.append(_advance(machine, machine.class_of_byte[byte], path[-1]))
        previous = text
        if path[-1]:
            key = frozenset(path[-1])
            total += 0 if key in numbers else len(key)
            class_of_token[token] = numbers.setdefault(key, len(numbers))
        if total > limit:
            raise LimitError(f"tokens must have at most {limit} effects, got more")
        if work > WORK:
            raise LimitError(f"tokens must need at most {WORK} steps through states, got more")
    shared = _Nodes()
    members = tuple(tuple(sorted(map(shared.effect, key))) for key in numbers)
    return TokenClasses(class_of_token, members, tuple(shared.effects), tuple(shared.nodes))
