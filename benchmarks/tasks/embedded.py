"""The embedded suite: the twelve tasks with this project's names and short wordings.

Evaluation and training draw from different streams, and training can be told to leave out every
question that is scored.
"""

import zlib
from collections.abc import Callable, Collection, Iterable

import numpy as np

from benchmarks.tasks import latin_square, sudoku, waiting_line, wordings
from benchmarks.tasks.catalogue import KINDS, LINES, rule_kind_of
from benchmarks.tasks.example import Example, Instance, Key

Draw = Callable[[np.random.Generator, tuple[int, int], int], Instance]
"""Draws an instance, of a line with a length within bounds, or of a sudoku with so many holes."""

LENGTHS = (3, 6)
SCORED = 1000
"""Examples a task that `scored_keys` covers: no evaluation may be larger."""

_EVALUATION = 0x5C0BE


def _line(task: str) -> Draw:
    return lambda rng, lengths, _: waiting_line.draw(task, rng, lengths)


TASKS: dict[str, Draw] = {
    **{task: _line(task) for task in LINES},
    latin_square.TASK: lambda rng, *_: latin_square.draw(rng),
    sudoku.TASK: lambda rng, _, holes: sudoku.draw(rng, holes),
}


def draw(
    task: str,
    rng: np.random.Generator,
    lengths: tuple[int, int] = LENGTHS,
    exclude: Collection[Key] = (),
    holes: int = sudoku.HOLES,
) -> Instance:
    """An instance that is none of the excluded."""
    rule_kind_of(task)
    while (made := TASKS[task](rng, lengths, holes)).key in exclude:
        pass
    return made


def sample(
    task: str,
    rng: np.random.Generator,
    lengths: tuple[int, int] = LENGTHS,
    exclude: Collection[Key] = (),
    holes: int = sudoku.HOLES,
) -> Example:
    """An example in any of the short wordings.

    Args:
        task: a short name of `TASKS`.
        rng: the only source of chance.
        lengths: bounds of a line's length, both included.
        exclude: questions not to ask, whatever their wording: `scored_keys()`.
        holes: of a sudoku.

    Raises:
        ValueError: an unknown task, or lengths or holes that it cannot have.
    """
    return wordings.example(draw(task, rng, lengths, exclude, holes), rng)


def evaluation(task: str, count: int, holes: int = sudoku.HOLES) -> list[Example]:
    """The first scored examples of a task: always the same, a shorter list begins a longer one.

    Sudokus with another number of holes are others, which no table scores.

    Raises:
        ValueError: an unknown task, or more than are kept from training.
    """
    rule_kind_of(task)
    if not 1 <= count <= SCORED:
        raise ValueError(f"limit: must be in [1, {SCORED}] for the embedded suite, got {count}")
    rng = np.random.default_rng([_EVALUATION, zlib.crc32(task.encode())])
    seen: set[Key] = set()
    examples = []
    for _ in range(count):
        examples.append(sample(task, rng, exclude=seen, holes=holes))
        seen.add(examples[-1].key)
    return examples


def scored_keys(tasks: Iterable[str] = KINDS, holes: int = sudoku.HOLES) -> frozenset[Key]:
    """Every question that an evaluation may ask: training leaves them out."""
    return frozenset(example.key for task in tasks for example in evaluation(task, SCORED, holes))
