"""Decodes examples with a model, grades the answers and counts what they cost."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from rich.console import Console
from rich.table import Table

import dllm
from benchmarks.tasks.catalogue import KINDS
from benchmarks.tasks.example import Example
from benchmarks.tasks.graders import grade
from benchmarks.tiny import FOLDER

TINY = "tiny"


class Sample(NamedTuple):
    """One graded answer."""

    task: str
    number: int
    """Among the examples of its task."""
    prompt: str
    answer: str
    """One that would have passed."""
    text: str
    """What the model wrote, up to its end of text."""
    score: int
    score_strict: int
    forwards: int
    tokens_per_step: float


class Figures(NamedTuple):
    """What the samples of a task come to."""

    task: str
    n: int
    accuracy: float
    """Percent."""
    accuracy_strict: float
    forwards: float
    """A row, on average."""
    tokens_per_step: float
    """Positions written a forward, end-of-text filling included; the rows' average."""


def load(name: str) -> dllm.Model:
    """The model of a folder or hub id; `tiny` is the one that is trained for the embedded suite.

    Raises:
        ValueError: it is not there.
    """
    if name == TINY and not FOLDER.is_dir():
        raise ValueError(f"model: {TINY} is looked for in {FOLDER}, which is not there")
    return dllm.load(FOLDER if name == TINY else name)


def run(
    model: dllm.Model,
    suite: Mapping[str, Sequence[Example]],
    scheduler: str | dllm.Scheduler,
    *,
    batch: int = 8,
    seed: int = 0,
    progress: bool | None = None,
) -> dict[str, list[Sample]]:
    """Graded answers by task: one block each, at temperature 0.

    Tasks with answers of one length share batches. Row i of a task has the seed s + i, so that its
    tokens do not depend on which other tasks are run.
    """
    samples: dict[str, list[Sample]] = {task: [] for task in suite}
    for length in sorted({KINDS[task].gen_length for task in suite}):
        tasks = [task for task in suite if KINDS[task].gen_length == length]
        asked = [pair for task in tasks for pair in enumerate(suite[task])]
        said: list[dllm.Generation] = dllm.generate(
            model,
            [example.messages for _, example in asked],
            scheduler=scheduler,
            gen_length=length,
            block_length=length,
            batch=batch,
            seed=[seed + number for number, _ in asked],
            progress=progress,
        )
        for (number, example), generation in zip(asked, said, strict=True):
            samples[example.task].append(_sample(number, example, generation))
    return samples


def summarise(samples: Sequence[Sample]) -> Figures:
    """The figures of one task's samples."""
    return Figures(
        samples[0].task,
        len(samples),
        100 * float(np.mean([sample.score for sample in samples])),
        100 * float(np.mean([sample.score_strict for sample in samples])),
        float(np.mean([sample.forwards for sample in samples])),
        float(np.mean([sample.tokens_per_step for sample in samples])),
    )


def mean(figures: Sequence[Figures]) -> Figures:
    """The unweighted mean of several tasks."""
    columns = list(zip(*[of_task[2:] for of_task in figures], strict=True))
    means = [float(np.mean(column)) for column in columns]
    return Figures(f"mean of {len(figures)}", sum(task.n for task in figures), *means)


def show(figures: Sequence[Figures], title: str) -> None:
    """Prints the figures as a table."""
    table = Table(title=title, title_justify="left")
    table.add_column("task")
    for column in ("n", "accuracy", "forwards per row", "tokens per step"):
        table.add_column(column, justify="right")
    shown = [*figures, mean(figures)] if len(figures) > 1 else figures
    for row in shown:
        table.add_row(
            row.task,
            str(row.n),
            f"{row.accuracy:.1f}",
            f"{row.forwards:.1f}",
            f"{row.tokens_per_step:.2f}",
            end_section=row is figures[-1],
        )
    Console().print(table)


def write(
    folder: Path,
    about: Mapping[str, Any],
    samples: Mapping[str, Sequence[Sample]],
    figures: Sequence[Figures],
) -> None:
    """Writes `results.json`, what was run and its figures, and `samples.jsonl`, every answer."""
    folder.mkdir(parents=True, exist_ok=True)
    by_task = {task.task: dict(list(task._asdict().items())[1:]) for task in figures}
    content = {**about, "tasks": by_task, "mean_accuracy": mean(figures).accuracy}
    (folder / "results.json").write_text(json.dumps(content, indent=1) + "\n", "utf-8")
    with (folder / "samples.jsonl").open("w", encoding="utf-8") as file:
        for sample in (sample for listed in samples.values() for sample in listed):
            file.write(json.dumps(sample._asdict(), ensure_ascii=False) + "\n")


def _sample(number: int, example: Example, said: dllm.Generation) -> Sample:
    def score(strict: bool) -> int:
        return int(grade(example.task, example.label, said.text, strict=strict))

    return Sample(
        example.task,
        number,
        example.prompt,
        example.answer,
        said.text,
        score(strict=False),
        score(strict=True),
        said.forwards,
        said.tokens_per_step,
    )
