"""Classes of tokens for a machine without a stack: a token is a partial function on its states.

The answer has the form of `grammar.classes`, without operations on a stack.
"""

import numpy as np
from jaxtyping import Int

from grammar.classes import CONFIGURATIONS, Effect, FutureNode, Operation, TokenClasses
from grammar.machine import Machine
from grammar.token_functions import Functions, classes_of_tokens
from grammar.vocabulary import Vocabulary


def automaton_classes(
    machine: Machine, vocabulary: Vocabulary, limit: int = CONFIGURATIONS
) -> TokenClasses:
    """As `grammar.classes.build_classes`, of a machine that is `grammar.flatten.stackless`.

    Raises:
        LimitError: the tokens, or what they begin with, have more than `limit` effects.
    """
    step = _transitions(machine)
    functions = Functions(
        np.arange(len(machine.moves)), lambda label, states: step[label, states], limit
    )
    class_of_token, used = classes_of_tokens(vocabulary, machine.class_of_byte, functions)
    source, target, sizes = functions.images(used)
    count = len(machine.moves)
    pairs, member = np.unique(source * count + target, return_inverse=True)
    parts = np.split(member, np.cumsum(sizes)[:-1]) if used else []
    return TokenClasses(
        class_of_token,
        tuple(tuple(part.tolist()) for part in parts),
        tuple(Effect(*divmod(pair, count)) for pair in pairs.tolist()),
        tuple(FutureNode(Operation.END, state, -1) for state in range(count)),
    )


def _transitions(machine: Machine) -> Int[np.ndarray, "labels states"]:
    """What each class of bytes does to each state, -1 for nothing."""
    step = np.full((max(machine.class_of_byte) + 1, len(machine.moves)), -1, np.int32)
    for state, row in enumerate(machine.moves):
        for label, (move,) in row.items():
            step[label, state] = move.target
    return step
