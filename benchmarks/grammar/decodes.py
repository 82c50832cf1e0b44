"""Decodes with a model that knows nothing: whatever it says, texts must be valid."""

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from grammar import MASK, Compiled, Grammar
from grammar.intersection import fragments_graph, intersects
from grammar.network import Network, build_network


class Tally(NamedTuple):
    """What came of random decodes."""

    decodes: int
    invalid: int
    """Texts that another algorithm does not find in the language."""
    stuck: int
    """Decodes in which a step changed nothing."""
    steps: int
    forced: int
    """Tokens written because no other was admissible."""


NOTHING = Tally(0, 0, 0, 0, 0)


def random_decodes(
    language: Compiled, grammar: Grammar, number: int, length: int, tally: Tally = NOTHING
) -> Iterator[Tally]:
    """Fills canvases of up to `length` tokens from random logits; tells the tally after each.

    Any order, 1 to 8 tokens a step, tokens drawn from the admissible classes; what is written
    together is verified, what is certain is written for free, as in the decoding loop.

    Args:
        language: What is decoded.
        grammar: What it was compiled of.
        number: Canvases, those of `tally` among them.
        length: The most tokens of a canvas.
        tally: Decodes of an earlier call, which are not done again.
    """
    members = members_of(language)
    network, least = build_network(grammar), language.least_tokens(length)
    for decode in range(tally.decodes, number):
        rng = np.random.default_rng([0, decode])
        size = int(rng.integers(least, length + 1))
        own = _decode(language, members, size, rng)
        invalid = own[0] is not None and not _belongs(network, language, own[0])
        tally = Tally(
            tally.decodes + 1,
            tally.invalid + invalid,
            tally.stuck + (own[0] is None),
            tally.steps + own[1],
            tally.forced + own[2],
        )
        yield tally


def members_of(language: Compiled) -> list[np.ndarray]:
    """The tokens of each class, those of the stop tokens last."""
    numbers = language.class_of_token()
    order = np.argsort(numbers, kind="stable")
    bounds = np.searchsorted(numbers[order], np.arange(language.num_classes + 2))
    return [order[first:last] for first, last in pairwise(bounds.tolist())]


def _decode(
    language: Compiled, members: list[np.ndarray], length: int, rng: np.random.Generator
) -> tuple[list[int] | None, int, int]:
    """The canvas, or None if it was stuck; steps; forced tokens."""
    canvas, steps, forced = [MASK] * length, 0, 0
    while MASK in canvas:
        answer = language.masks(canvas)
        free = language.forced(canvas, answer)
        forced += int(np.sum(free != MASK))
        canvas = np.where(free == MASK, canvas, free).tolist()
        holes = [position for position, token in enumerate(canvas) if token == MASK]
        after, steps = list(canvas), steps + 1
        for position in rng.permutation(holes)[: rng.integers(1, 9)]:
            alive = np.flatnonzero(answer.classes[position])
            if not len(alive):
                return None, steps, forced
            after[position] = int(rng.choice(members[rng.choice(alive)]))
        kept = language.keep(canvas, after, rng.random(length).tolist())
        if holes and kept == canvas:
            return None, steps, forced
        canvas = kept
    return canvas, steps, forced


def _belongs(network: Network, language: Compiled, canvas: list[int]) -> bool:
    stops = language.vocabulary.stop_ids
    end = next((i for i, token in enumerate(canvas) if token in stops), len(canvas))
    text = b"".join(map(language.vocabulary.written, canvas[:end]))
    return intersects(network, fragments_graph([text])) and stops.issuperset(canvas[end:])
