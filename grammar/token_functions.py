"""Tokens as partial functions on the states of an automaton, all of them run at once.

The many tokens have few different functions, and a longer token's is found from that of its
beginning and the next byte, so each pair of a function and a class of bytes is computed once.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Int

from grammar.errors import LimitError
from grammar.vocabulary import Vocabulary

WORK = 60_000_000
"""The most images of single states that are looked up."""

Reach = Callable[[int, Int[np.ndarray, " states"]], Int[np.ndarray, " states"]]
"""Where a class of bytes leads to from each of some states; -1: nowhere."""


class Functions:
    """Partial functions on states, each once: where one is defined, and what it gives there.

    Number 0 is what the empty text does, to the states `begin`. More than `limit` images, of all
    functions together, raise `LimitError`.
    """

    def __init__(self, begin: Int[np.ndarray, " states"], reach: Reach, limit: int):
        begin = begin.astype(np.int32)
        self.reach, self.limit = reach, limit
        self.sources, self.targets = [begin], [begin]
        self.numbers: dict[bytes, int] = {}
        self.work = self.size = 0

    def after(self, number: int, label: int) -> int:
        """The function that goes on with a class of bytes; -1: it is defined nowhere."""
        reached = self.reach(label, self.targets[number])
        source, target = self.sources[number], reached
        defined = reached >= 0
        if not defined.all():
            source, target = source[defined], reached[defined]
        self.work += len(reached)
        if self.work > WORK:
            raise LimitError(f"tokens must need at most {WORK} steps through states, got more")
        if not len(source):
            return -1
        key = source.tobytes() + target.tobytes()
        if key not in self.numbers:
            self.size += len(source)
            if self.size > self.limit:
                raise LimitError(f"tokens must have at most {self.limit} effects, got more")
            self.numbers[key] = len(self.sources)
            self.sources.append(source)
            self.targets.append(target)
        return self.numbers[key]

    def images(
        self, numbers: list[int]
    ) -> tuple[Int[np.ndarray, " n"], Int[np.ndarray, " n"], Int[np.ndarray, " functions"]]:
        """The states where some functions are defined, what they give there, and how many each."""
        nothing = [np.zeros(0, np.int32)]
        source = np.concatenate(nothing + [self.sources[number] for number in numbers])
        target = np.concatenate(nothing + [self.targets[number] for number in numbers])
        sizes = np.asarray([len(self.sources[number]) for number in numbers], np.int64)
        return source.astype(np.int64), target.astype(np.int64), sizes


def classes_of_tokens(
    vocabulary: Vocabulary, class_of_byte: tuple[int, ...], functions: Functions
) -> tuple[Int[np.ndarray, " vocabulary"], list[int]]:
    """Classes of tokens with the same function, -1 where it is defined nowhere; their functions."""
    of_token = _function_of_token(vocabulary, class_of_byte, functions)
    used, of_usable = np.unique(of_token[of_token >= 0], return_inverse=True)
    class_of_token = np.full(len(of_token), -1, np.int32)
    class_of_token[of_token >= 0] = of_usable
    return class_of_token, used.tolist()


def _function_of_token(
    vocabulary: Vocabulary, class_of_byte: tuple[int, ...], functions: Functions
) -> Int[np.ndarray, " vocabulary"]:
    """The number of each token's function; -1 where it has none, or writes nothing."""
    trie = vocabulary.trie
    kinds = max(class_of_byte) + 1
    label = np.asarray(class_of_byte)[trie.byte]
    function = np.full(len(label), -1, np.int64)
    function[0] = 0
    for begin, end in zip(trie.begins, trie.begins[1:], strict=False):
        before = function[trie.parent[begin:end]]
        alive = np.flatnonzero((before >= 0) & (label[begin:end] >= 0))
        asked = before[alive] * kinds + label[begin:end][alive]
        answer = np.full(len(functions.sources) * kinds, -1)
        answer[asked] = 0
        for key in np.flatnonzero(answer == 0).tolist():
            answer[key] = functions.after(*divmod(key, kinds))
        function[begin + alive] = answer[asked]
    function[0] = -1
    return function[trie.node_of_token]
