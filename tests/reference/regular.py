"""A product distribution conditioned on a regular language, by dense matrices in float64.

The tokens are run through the automaton byte by byte; classes are not used. What stands behind a
stop token is not scored.
"""

from typing import NamedTuple

import numpy as np

from grammar import MASK, Compiled


class Posterior(NamedTuple):
    """What is known of a canvas."""

    mass: float
    """The probability that a draw of the holes is a text."""
    marginals: np.ndarray
    """`[length, vocab]`: of each token that it stands there as the text's or as its first stop."""
    best: float
    """The probability of the likeliest text."""


def posterior(language: Compiled, probs: np.ndarray, canvas: list[int]) -> Posterior:
    """Forward and backward messages over states; the last state is behind the first stop."""
    length, vocab = probs.shape
    states = len(language.machine.moves) + 1
    after = np.full((vocab, states), -1)
    for token in range(vocab):
        for state in range(states - 1):
            after[token, state] = _run(language, token, state)
    ends = np.zeros(states)
    ends[-1] = 1.0
    if not language.must_stop:
        ends[sorted(language.machine.finals)] = 1.0
    steps = [_step(language, after, probs[i], canvas[i]) for i in range(length)]
    back, top = [ends], ends
    for step in reversed(steps):
        back.insert(0, step.sum(axis=0) @ back[0])
        top = (step.max(axis=0) * top).max(axis=1)
    front = np.zeros(states)
    front[language.machine.start] = 1.0
    start, marginals = language.machine.start, np.zeros((length, vocab))
    for i, step in enumerate(steps):
        here = front[:, None] * step[:vocab] * back[i + 1][None]
        marginals[i] = here.sum(axis=(1, 2))
        front = front @ step.sum(axis=0)
    mass = back[0][start]
    return Posterior(mass, marginals / max(mass, 1e-300), top[start])


def _run(language: Compiled, token: int, state: int) -> int:
    machine, vocabulary = language.machine, language.vocabulary
    if token in vocabulary.stop_ids:
        return len(machine.moves) if state in machine.finals else -1
    text = vocabulary.tokens[token]
    if not text:
        return -1
    for byte in text:
        moves = machine.moves[state].get(machine.class_of_byte[byte])
        if moves is None:
            return -1
        state = moves[0].target
    return state


def _step(language: Compiled, after: np.ndarray, probs: np.ndarray, given: int) -> np.ndarray:
    """`[vocab + 1, states, states]`: what each token adds; the last one is the tail's."""
    vocab, states = after.shape
    step = np.zeros((vocab + 1, states, states))
    for token in range(vocab):
        if given in (MASK, token):
            for state in np.flatnonzero(after[token] >= 0):
                step[token, state, after[token, state]] = probs[token] if given == MASK else 1.0
    if given == MASK or given in language.vocabulary.stop_ids:
        step[-1, -1, -1] = 1.0
    return step
