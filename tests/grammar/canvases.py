"""Canvases for differential tests: holes, committed text between them, positions masked again."""

import numpy as np

from grammar import MASK, Compiled
from grammar.pushdown import Answer, solve

WORDS = (
    '{ } [ ] " a": , 1 },{ ": true {} ( ) x )) (( a b ab c aab bb +1 )* 2024- "," [["'
    ' null \\ \\u0 é C c1 =O (C [N [[ ]] }} {"a":{" -0. 1e ]},{ ab":"'
)
TOKENS: list[bytes | None] = [*(text.encode() for text in WORDS.split()), "é".encode()[:1]]
TOKENS += ["é".encode()[1:], b" ", None]
STOP = len(TOKENS)
TOKENS += [None]


def plain(language: Compiled, canvas: list[int]) -> Answer:
    """What the passes in plain Python say."""
    cells = language._cells(canvas).tolist()
    ends = (language.must_stop, bool(language.vocabulary.stop_ids))
    return solve(language.machine, language.classes, cells, *ends)


def filled(language: Compiled, canvas: list[int], part: float, rng: np.random.Generator):
    """Some holes written one after the other, in any order, with admissible tokens."""
    numbers, canvas = language.class_of_token(), list(canvas)
    holes = rng.permutation([i for i, token in enumerate(canvas) if token == MASK])
    for position in holes[: round(part * len(holes))]:
        allowed = language.masks(canvas).classes[position]
        if not allowed.any():
            break
        # Classes first: most tokens are of few classes. Stop tokens make for short texts.
        alive = np.flatnonzero(allowed)
        some = alive[alive < language.num_classes] if rng.random() < 0.9 else alive
        chosen = rng.choice(some if len(some) else alive)
        canvas[position] = int(rng.choice(np.flatnonzero(numbers == chosen)))
    return canvas


def random_canvas(language: Compiled, longest: int, rng: np.random.Generator) -> list[int]:
    """Of one of four kinds; not all of them can be completed."""
    canvas, kind = [MASK] * int(rng.integers(0, longest + 1)), rng.integers(4)
    size = len(language.vocabulary.tokens)
    if kind == 0:  # holes, and anything here and there
        return [int(rng.integers(size)) if rng.random() < 0.1 else MASK for _ in canvas]
    if kind == 1:  # a decode on its way
        return filled(language, canvas, rng.random(), rng)
    whole = filled(language, canvas, 1.0, rng)
    if kind == 2:  # positions masked again
        share = rng.random()
        return [MASK if rng.random() < share else token for token in whole]
    for _ in range(int(rng.integers(1, 4))):  # a few long holes
        first = int(rng.integers(0, len(whole) + 1))
        last = first + int(rng.integers(0, longest))
        whole[first:last] = [MASK] * len(whole[first:last])
    return whole
