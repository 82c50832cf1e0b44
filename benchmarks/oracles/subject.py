"""An oracle in a model's place: `--model oracle:shuffle`."""

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

import dllm
from benchmarks.oracles.closed_forms import known_accuracy
from benchmarks.oracles.grids import CELLS, SIZE, Grids, grids_of
from benchmarks.oracles.lines import GROWTH, MOST, NEWCOMER, SEPARATOR, VOCAB, OnePlace, Shuffle
from benchmarks.runner.settings import Setting
from benchmarks.runner.subject import Answer
from benchmarks.suites import LIMIT, Question
from benchmarks.tasks import embedded, latin_square, sudoku, wordings
from benchmarks.tasks.example import Example
from benchmarks.tasks.graders import GRADERS, parse
from benchmarks.tasks.waiting_line import written
from benchmarks.texts.marks import Mark
from dllm.canvas import Layout, blocks
from dllm.decode import Decoded
from dllm.row import Outcome
from samplers import MASK

PREFIX = "oracle:"
TASKS = (*GROWTH, latin_square.TASK, sudoku.TASK)
UNWRITTEN = "?"
"""Stands where a decode ended before it wrote."""
_SEED = 0x0C1E


@dataclasses.dataclass(frozen=True)
class Oracle:
    """The exact distribution of a task's answers, asked and read one token an item.

    Sudokus are asked with an empty grid: all 288 are answers.
    """

    task: str
    people: int | None = None
    """In line; left out, as many as the embedded suite draws."""
    ends: tuple[int, ...] = ()
    never: Sequence[int] = ()
    max_length: int = 2 * MOST + 2
    grader: str = ""
    schedule_end: float | None = None

    @property
    def name(self) -> str:
        size = "" if self.people is None else f":{self.people}"
        return f"{PREFIX}{self.task}{size}"

    @property
    def about(self) -> str:
        return self.name

    @property
    def ids(self) -> Mapping[str, int]:
        return {"vocab": VOCAB if self.task in GROWTH else SIZE}

    @property
    def denoiser(self) -> dllm.Denoiser:
        if self.task in GROWTH:
            return Shuffle() if self.task == "shuffle" else OnePlace(self.task)
        return Grids(grids_of(self.task))

    def questions(self, limit: int | None = None) -> list[Question]:
        """The oracle's own, always the same."""
        rng = np.random.default_rng([_SEED, TASKS.index(self.task)])
        lengths = embedded.LENGTHS if self.people is None else (self.people, self.people)
        return [
            Question(number, self._empty(wordings.example(made, rng)))
            for number in range(limit or LIMIT)
            for made in [embedded.draw(self.task, rng, lengths)]
        ]

    def _empty(self, example: Example) -> Example:
        if self.task != sudoku.TASK:
            return example
        puzzle = "\n".join(["0" * SIZE] * SIZE)
        prompt = wordings.WORDINGS[self.task][0].format(sudoku=puzzle)
        return example._replace(prompt=prompt, key=(self.task, f"sudoku={puzzle}"))

    def layout(self, example: Example, seed: int) -> Layout:
        if self.task not in GROWTH:
            return Layout([MASK] * CELLS, 0, [(0, CELLS)], seed)
        people = len(example.label["input"])
        answer = people + GROWTH[self.task]
        ids = [*range(people), SEPARATOR, *[MASK] * answer]
        return Layout(ids, people + 1, blocks(people + 1, answer), seed)

    def prompt(self, example: Example) -> str:
        return example.prompt

    def read(self, example: Example, layout: Layout, decoded: Decoded) -> Answer:
        tokens = np.asarray(decoded.canvas)[layout.prompt : len(layout.ids)].tolist()
        outcome = Outcome(int(decoded.outcome)).name.lower()
        return Answer(self._spelled(example, tokens), len(tokens), outcome)

    def _spelled(self, example: Example, tokens: list[int]) -> str:
        cells = [self.spell(example, token) for token in tokens]
        if self.task in GROWTH:
            return written(cells)
        between = "" if self.task == sudoku.TASK else ","
        return "\n".join(between.join(cells[i : i + SIZE]) for i in range(0, CELLS, SIZE))

    def spell(self, example: Example, token: int) -> str:
        if self.task in GROWTH:
            names = {NEWCOMER: example.label.get("word"), **dict(enumerate(example.label["input"]))}
            return names.get(token) or UNWRITTEN
        symbols = "1234" if self.task == sudoku.TASK else example.label["symbols"]
        return symbols[token] if token >= 0 else UNWRITTEN

    def mark(self, example: Example, text: str) -> Mark:
        passed = int(self._passes(example, text))
        return Mark(passed, passed, {})

    def _passes(self, example: Example, text: str) -> bool:
        """Whether the exact distribution could have said so; the given order is a shuffle too."""
        if self.task == "shuffle":
            return Counter(parse(text)) == Counter(example.label["input"])
        if self.task == sudoku.TASK:
            return _is_sudoku(text)
        return GRADERS[self.task](example.label, text, False)

    def exact(self, asked: Sequence[Example], setting: Setting, temperature: float) -> float | None:
        """The share of right answers that a setting comes to, if a formula is known."""
        known = [
            known_accuracy(self.task, self._size(example), *setting[:2], temperature)
            for example in asked
        ]
        shares = [share for share in known if share is not None]
        return float(np.mean(shares)) if len(shares) == len(known) else None

    def _size(self, example: Example) -> int:
        return len(example.label["input"]) if self.task in GROWTH else CELLS

    def operations(self, length: int, positions: int) -> float:
        del length, positions
        return 0.0


def oracle(name: str) -> Oracle:
    """The oracle of a name: `oracle:shuffle`, or `oracle:shuffle:6` for lines of six.

    Raises:
        ValueError: there is none of this name or size.
    """
    task, sized, size = name.removeprefix(PREFIX).partition(":")
    if task not in TASKS:
        raise ValueError(f"model: oracles are of {', '.join(TASKS)}, got {name!r}")
    if not sized:
        return Oracle(task)
    least = 2
    if task not in GROWTH or not size.isdecimal() or not least <= int(size) <= MOST:
        raise ValueError(
            f"model: {PREFIX}TASK:N is for lines of {least} to {MOST} people, got {name!r}"
        )
    return Oracle(task, int(size))


def _is_sudoku(text: str) -> bool:
    digits = [int(digit) - 1 for digit in text.replace("\n", "") if digit in "1234"]
    return len(digits) == CELLS and bool(np.any(np.all(grids_of(sudoku.TASK) == digits, axis=1)))
