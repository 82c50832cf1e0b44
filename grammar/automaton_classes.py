"""Classes of tokens for a machine without a stack: a token is a partial function on its states.

All tokens are run at once, byte by byte. The many tokens have few different functions, and a longer
token's is found from that of its beginning and the next byte, so each pair of a function and a
class of bytes is computed once. The answer has the form of `grammar.classes`, without operations
on a stack.
"""

import numpy as np
from jaxtyping import Int

from grammar.classes import CONFIGURATIONS, Effect, FutureNode, Operation, TokenClasses
from grammar.errors import LimitError
from grammar.machine import Machine
from grammar.vocabulary import Vocabulary

WORK = 60_000_000
"""The most images of single states that are looked up."""


class _Functions:
    """Partial functions on states, each once: where one is defined, and what it gives there."""

    def __init__(self, step: Int[np.ndarray, "labels states"], limit: int):
        everywhere = np.arange(step.shape[1], dtype=np.int32)
        self.step, self.limit = step, limit
        self.sources, self.targets = [everywhere], [everywhere]
        self.numbers: dict[bytes, int] = {}
        self.work = self.size = 0

    def after(self, number: int, label: int) -> int:
        """The function that goes on with a class of bytes; -1: it is defined nowhere."""
        reached = self.step[label, self.targets[number]]
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


def automaton_classes(
    machine: Machine, vocabulary: Vocabulary, limit: int = CONFIGURATIONS
) -> TokenClasses:
    """As `grammar.classes.build_classes`, of a machine that is `grammar.flatten.stackless`.

    Raises:
        LimitError: the tokens, or what they begin with, have more than `limit` effects.
    """
    functions = _Functions(_transitions(machine), limit)
    of_token = _function_of_token(machine, vocabulary, functions)
    used, of_usable = np.unique(of_token[of_token >= 0], return_inverse=True)
    class_of_token = np.full(len(of_token), -1, np.int32)
    class_of_token[of_token >= 0] = of_usable
    sources = [functions.sources[number] for number in used.tolist()]
    targets = [functions.targets[number] for number in used.tolist()]
    sizes = [len(source) for source in sources]
    count = len(machine.moves)
    everything = np.concatenate([np.zeros(0, np.int32), *sources]).astype(np.int64) * count
    everything += np.concatenate([np.zeros(0, np.int32), *targets])
    pairs, member = np.unique(everything, return_inverse=True)
    members = tuple(tuple(part.tolist()) for part in np.split(member, np.cumsum(sizes)[:-1]))
    return TokenClasses(
        class_of_token,
        members if sizes else (),
        tuple(Effect(*divmod(pair, count)) for pair in pairs.tolist()),
        tuple(FutureNode(Operation.END, state, -1) for state in range(count)),
    )


def _transitions(machine: Machine) -> Int[np.ndarray, "labels states"]:
    """What each class of bytes does to each state, -1 for nothing; the last row is all -1."""
    step = np.full((max(machine.class_of_byte) + 2, len(machine.moves)), -1, np.int32)
    for state, row in enumerate(machine.moves):
        for label, (move,) in row.items():
            step[label, state] = move.target
    return step


def _function_of_token(
    machine: Machine, vocabulary: Vocabulary, functions: _Functions
) -> Int[np.ndarray, " vocabulary"]:
    """The number of each token's function; -1 where it has none, or writes nothing."""
    texts = [vocabulary.written(token) for token in range(len(vocabulary.tokens))]
    sizes = np.asarray([len(text) for text in texts])
    first = np.cumsum(sizes) - sizes
    kinds = len(functions.step)
    label_of_byte = np.asarray(machine.class_of_byte) % kinds
    labels = label_of_byte[np.frombuffer(b"".join(texts), np.uint8)]
    function = np.where(sizes > 0, 0, -1)
    left, depth = np.flatnonzero(sizes), 0
    while len(left):
        asked = function[left] * kinds + labels[first[left] + depth]
        once, back = np.unique(asked, return_inverse=True)
        answers = [functions.after(*divmod(key, kinds)) for key in once.tolist()]
        function[left] = np.asarray(answers)[back]
        depth += 1
        left = left[(function[left] >= 0) & (sizes[left] > depth)]
    return function
