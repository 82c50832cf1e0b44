"""4x4 sudokus with one solution; the scored ones have four holes."""

import random
from collections.abc import Callable, Iterable, Iterator
from functools import cache

import numpy as np
from jaxtyping import Int

from benchmarks.tasks.catalogue import seed_of
from benchmarks.tasks.example import Instance

TASK = "sudoku_n4"
SIZE = 4
CELLS = SIZE * SIZE
HOLES = 4
MOST_HOLES = 10
"""With more, few have one solution: 12 is the most that any has."""

_ROW, _COLUMN = np.divmod(np.arange(CELLS), SIZE)
UNITS = np.stack([_ROW, _COLUMN, _ROW // 2 * 2 + _COLUMN // 2])
"""The row, the column and the box of each cell."""


def draw(rng: np.random.Generator, holes: int = HOLES) -> Instance:
    """One of all grids and holes that leave one solution, each pair as likely as any other.

    Raises:
        ValueError: holes are not in [1, 10].
    """
    if not 1 <= holes <= MOST_HOLES:
        raise ValueError(f"{TASK}: holes must be in [1, {MOST_HOLES}], got {holes}")
    grid = grids()[rng.integers(len(grids()))]
    while True:
        kept = np.ones(CELLS, bool)
        kept[rng.permutation(CELLS)[:holes]] = False
        if np.sum((grids()[:, kept] == grid[kept]).all(1)) == 1:
            return _instance(grid.tolist(), np.where(kept, grid, 0).tolist())


def official(count: int = 100) -> list[Instance]:
    """The scored instances: a grid filled by backtracking, then four holes."""
    rng = random.Random(seed_of(TASK))
    return [_official(rng) for _ in range(count)]


@cache
def grids() -> Int[np.ndarray, "288 16"]:
    """All grids, row by row."""
    return np.array(list(_fillings([0] * CELLS, lambda: range(1, SIZE + 1))))


def _official(rng: random.Random) -> Instance:
    grid = next(_fillings([0] * CELLS, lambda: _shuffled(rng)))
    holes = rng.sample(range(CELLS), HOLES)
    return _instance(grid, [0 if cell in holes else digit for cell, digit in enumerate(grid)])


def _shuffled(rng: random.Random) -> list[int]:
    digits = list(range(1, SIZE + 1))
    rng.shuffle(digits)
    return digits


def _fillings(grid: list[int], digits: Callable[[], Iterable[int]]) -> Iterator[list[int]]:
    """Every way to fill the zeros, from the first cell on, trying digits in a given order."""
    if 0 not in grid:
        yield list(grid)
        return
    cell = grid.index(0)
    for digit in digits():
        if _fits(grid, cell, digit):
            yield from _fillings([*grid[:cell], digit, *grid[cell + 1 :]], digits)


def _fits(grid: list[int], cell: int, digit: int) -> bool:
    """Whether no cell that sees this one has the digit."""
    units = UNITS[:, cell : cell + 1] == UNITS
    return not any(there == digit for there, seen in zip(grid, units.any(0), strict=True) if seen)


def _instance(grid: list[int], puzzle: list[int]) -> Instance:
    answer = _written(grid)
    return Instance(TASK, {"sudoku": _written(puzzle)}, answer, answer)


def _written(grid: list[int]) -> str:
    digits = "".join(map(str, grid))
    return "\n".join(digits[start : start + SIZE] for start in range(0, CELLS, SIZE))
