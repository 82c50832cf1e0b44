"""Latin squares of order 4 on any four symbols."""

import random
import string
from functools import cache
from itertools import permutations, product

import numpy as np

from benchmarks.tasks.catalogue import seed_of
from benchmarks.tasks.example import Instance

TASK = "latin_square_n4"
SYMBOLS = string.ascii_uppercase + string.digits
SIZE = 4

Square = tuple[tuple[int, ...], ...]


def draw(rng: np.random.Generator) -> Instance:
    """Four symbols and one of all squares on them, each as likely as any other."""
    symbols = [SYMBOLS[i] for i in rng.permutation(len(SYMBOLS))[:SIZE]]
    square = squares()[rng.integers(len(squares()))]
    return _instance(symbols, [[symbols[i] for i in row] for row in square])


def official(count: int = 100) -> list[Instance]:
    """The scored instances: a cyclic square with its rows and columns shuffled."""
    rng = random.Random(seed_of(TASK))
    return [_official(rng) for _ in range(count)]


@cache
def squares() -> tuple[Square, ...]:
    """All 576 squares of order 4."""
    rows = list(permutations(range(SIZE)))
    return tuple(
        chosen
        for chosen in product(rows, repeat=SIZE)
        if all(len(set(column)) == SIZE for column in zip(*chosen, strict=True))
    )


def _official(rng: random.Random) -> Instance:
    symbols = rng.sample(SYMBOLS, SIZE)
    square = [symbols[i:] + symbols[:i] for i in range(SIZE)]
    for _ in range(2):  # rows, then columns
        rng.shuffle(square)
        square = [list(column) for column in zip(*square, strict=True)]
    return _instance(symbols, square)


def _instance(symbols: list[str], square: list[list[str]]) -> Instance:
    answer = "\n".join(",".join(row) for row in square)
    fields: dict[str, str | int] = {"size": SIZE, "symbols": f"[{', '.join(symbols)}]"}
    return Instance(TASK, fields, answer, {"symbols": symbols, "example": answer})
