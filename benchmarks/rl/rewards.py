"""What an answer to a task with rules is worth: its grade, and a share of what is right."""

from collections.abc import Callable, Mapping
from itertools import combinations

from benchmarks.tasks import latin_square, sudoku
from benchmarks.tasks.catalogue import rule_kind_of
from benchmarks.tasks.example import Example
from benchmarks.tasks.graders import grade, parse
from dllm.rl import Reward

_ORDERED = ("copy", "reverse", "sort", "insert_index", "remove_index", "replace_index")
"""Lines with one right answer."""


def graded(text: str, example: Example) -> float:
    """1 for an answer that the benchmark's grader passes."""
    return float(grade(example.task, example.label, text))


def share(text: str, example: Example) -> float:
    """How much of an answer is right, from 0 to 1.

    Of a sudoku, its empty cells; of a Latin square, the pairs of cells in a row or column that
    differ; of a line with one right answer, its people. What has many right answers is right or
    wrong.
    """
    text = text.partition(rule_kind_of(example.task).until)[0]
    if example.task == sudoku.TASK:
        return _cells(text, _puzzle(example), example.label)
    if example.task == latin_square.TASK:
        return _pairs(text, example.label["symbols"])
    return _people(text, example) if example.task in _ORDERED else graded(text, example)


REWARDS: Mapping[str, Callable[[str, Example], float]] = {"graded": graded, "share": share}


def weighted(weights: Mapping[str, float]) -> list[Reward]:
    """Rewards by name, each times its weight."""

    def times(name: str, weight: float) -> Reward:
        def reward(text: str, example: Example) -> float:
            return weight * REWARDS[name](text, example)

        reward.__name__ = name
        return reward

    return [times(name, weight) for name, weight in weights.items()]


def _cells(text: str, puzzle: str, solution: str) -> float:
    """Of the zeros of a puzzle, those that the first lines of four digits fill rightly."""
    lines = [line.strip() for line in text.replace(" ", "").replace(",", "").split("\n")]
    digits = "".join(line for line in lines if len(line) == sudoku.SIZE and line.isdigit())
    asked, right = puzzle.replace("\n", ""), solution.replace("\n", "")
    empty = [cell for cell, digit in enumerate(asked) if digit == "0"]
    return sum(digits[cell : cell + 1] == right[cell] for cell in empty) / len(empty)


def _puzzle(example: Example) -> str:
    name = "sudoku="
    return next(field.removeprefix(name) for field in example.key if field.startswith(name))


def _pairs(text: str, symbols: list[str]) -> float:
    """Of all pairs of cells in a line, those that are two of the symbols."""
    rows = [[cell.strip() for cell in line.split(",")] for line in text.split("\n")]
    square = [row for row in rows if len(row) == len(symbols)][: len(symbols)]
    blank = [""] * len(symbols)
    square += [blank] * (len(symbols) - len(square))
    pairs = [
        pair for line in [*square, *zip(*square, strict=True)] for pair in combinations(line, 2)
    ]
    return sum(a != b and {a, b} <= set(symbols) for a, b in pairs) / len(pairs)


def _people(text: str, example: Example) -> float:
    """Of the longer of the two lines, the places that have the right person."""
    said, right = parse(text), list(example.label)
    same = sum(a == b for a, b in zip(said, right, strict=False))
    return same / max(len(said), len(right), 1)
