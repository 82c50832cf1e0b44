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
from grammar.token_functions import Functions, classes_of_tokens
from grammar.vocabulary import Vocabulary

CONFIGURATIONS = 2_000_000
"""The most effects that the tokens together may have, before equal ones are shared."""

WORK = 5_000_000
"""The most effects that are looked at on the way, each once a class of bytes."""

_UNKNOWN = -2


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


_Configuration = tuple[tuple[int, ...], tuple[int, ...], int]
"""Popped return points, pushed ones, present state."""


class _Outcomes:
    """What texts do to a state and the stack below it: sets of configurations, by number.

    Where they began does not matter for how they go on, and many states come to do the same: behind
    a few bytes of a string nothing tells them apart. So there are few sets, and each is advanced
    once a class of bytes. Outcome `s` is what the empty text does to state `s`.
    """

    def __init__(self, machine: Machine, limit: int):
        self.machine, self.limit, self.total, self.work = machine, limit, 0, 0
        self.numbers: dict[frozenset[_Configuration], int] = {}
        self.sets: list[frozenset[_Configuration]] = []
        self.step = np.zeros((max(machine.class_of_byte) + 1, 0), np.int32)
        self.labels = [np.fromiter(row, np.int64, len(row)) for row in machine.moves]
        for state in range(len(machine.moves)):
            self.number(frozenset({((), (), state)}))

    def number(self, outcome: frozenset[_Configuration]) -> int:
        """The number of a set; -1 for the empty one."""
        if not outcome:
            return -1
        known = self.numbers.get(outcome)
        if known is not None:
            return known
        self.total += len(outcome)
        if self.total > self.limit:
            raise LimitError(f"tokens must have at most {self.limit} effects, got more")
        self.numbers[outcome] = len(self.sets)
        self.sets.append(outcome)
        if len(self.sets) > self.step.shape[1]:
            more = max(1024, len(self.sets))
            self.step = np.pad(self.step, ((0, 0), (0, more)), constant_values=-1)
        for _, _, state in outcome:
            self.step[self.labels[state], len(self.sets) - 1] = _UNKNOWN
        return len(self.sets) - 1

    def reach(self, label: int, outcomes: Int[np.ndarray, " n"]) -> Int[np.ndarray, " n"]:
        """`grammar.token_functions.Reach`."""
        reached = self.step[label, outcomes]
        missing = np.unique(outcomes[reached == _UNKNOWN]).tolist()
        for outcome in missing:
            # The table may be another one behind the call.
            after = self.number(self.advance(label, self.sets[outcome]))
            self.step[label, outcome] = after
        return self.step[label, outcomes] if missing else reached

    def advance(self, label: int, present: frozenset[_Configuration]) -> frozenset[_Configuration]:
        """All configurations one byte later. A pop takes the last push away, or looks below it."""
        after = set()
        for pops, pushes, state in present:
            moves = self.machine.moves[state].get(label, ())
            self.work += 1 + len(moves)
            for move in moves:
                if move.pop is None:
                    after.add((pops, pushes + move.push, move.target))
                elif not pushes:
                    after.add(((*pops, move.pop), move.push, move.target))
                elif pushes[-1] == move.pop:
                    after.add((pops, pushes[:-1] + move.push, move.target))
        if self.work > WORK:
            raise LimitError(f"tokens must need at most {WORK} steps through states, got more")
        return frozenset(after)


class _Nodes:
    """Numbers for nodes, futures first."""

    def __init__(self):
        self.numbers: dict[FutureNode, int] = {}
        self.known: dict[_Configuration, int] = {}

    def node(self, operation: Operation, symbol: int, future: int) -> int:
        return self.numbers.setdefault(FutureNode(operation, symbol, future), len(self.numbers))

    def first(self, configuration: _Configuration) -> int:
        """The first node of what a configuration has done."""
        known = self.known.get(configuration)
        if known is not None:
            return known
        pops, pushes, state = configuration
        node = self.node(Operation.END, state, -1)
        same = bool(pops) and bool(pushes) and pops[-1] == pushes[0]
        for symbol in reversed(pushes[same:]):
            node = self.node(Operation.PUSH, symbol, node)
        if same:
            node = self.node(Operation.TEST, pops[-1], node)
            pops = pops[:-1]
        for symbol in reversed(pops):
            node = self.node(Operation.POP, symbol, node)
        self.known[configuration] = node
        return node


def build_classes(
    machine: Machine, vocabulary: Vocabulary, limit: int = CONFIGURATIONS
) -> TokenClasses:
    """The classes of a vocabulary's tokens.

    Raises:
        LimitError: the beginnings of the tokens have more than `limit` effects.
    """
    outcomes = _Outcomes(machine, limit)
    sources = np.flatnonzero([bool(row) for row in machine.moves])
    functions = Functions(sources, outcomes.reach, limit)
    class_of_token, used = classes_of_tokens(vocabulary, machine.class_of_byte, functions)
    shared = _Nodes()
    source, target, sizes = functions.images(used)
    pairs, of_image = np.unique(source * len(outcomes.sets) + target, return_inverse=True)
    source, target = np.divmod(pairs, len(outcomes.sets))
    ends, of_pair = np.unique(target, return_inverse=True)
    nodes = [sorted({shared.first(own) for own in outcomes.sets[end]}) for end in ends.tolist()]
    counts = np.asarray([len(own) for own in nodes], np.int64)
    places = _spans(np.cumsum(counts) - counts, counts, of_pair)
    keys = np.repeat(source, counts[of_pair]) * len(shared.numbers)
    keys += np.fromiter((node for own in nodes for node in own), np.int64, counts.sum())[places]
    effects, effect = np.unique(keys, return_inverse=True)
    counts = counts[of_pair]
    if counts[of_image].sum() > limit:
        raise LimitError(f"tokens must have at most {limit} effects, got more")
    member = effect[_spans(np.cumsum(counts) - counts, counts, of_image)]
    whole = np.add.reduceat(counts[of_image], np.cumsum(sizes) - sizes) if used else sizes
    parts = np.split(member, np.cumsum(whole)[:-1]) if used else []
    return TokenClasses(
        class_of_token,
        tuple(tuple(np.sort(part).tolist()) for part in parts),
        tuple(Effect(*divmod(key, len(shared.numbers))) for key in effects.tolist()),
        tuple(shared.numbers),
    )


def _spans(
    begins: Int[np.ndarray, " rows"], counts: Int[np.ndarray, " rows"], asked: Int[np.ndarray, " n"]
) -> Int[np.ndarray, " places"]:
    """The places of the rows asked for, one row behind the other."""
    own = counts[asked]
    shift = np.repeat(begins[asked] - (np.cumsum(own) - own), own)
    return shift + np.arange(len(shift))
