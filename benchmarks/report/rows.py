"""Settings of finished runs."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.export.documents import Record
from benchmarks.export.entry import entry_of, speeds
from benchmarks.runner.outline import RUN, read_outline, read_questions
from benchmarks.runner.protocol import OFFICIAL
from benchmarks.runner.results import Result, read_results
from benchmarks.runner.samples import by_task


class Row(NamedTuple):
    """A setting of one of the runs."""

    name: str
    result: Result
    suite: str = ""
    in_batches: float | None = None
    """Tokens per step as published runs were charged, who shared forwards; of official runs."""

    @property
    def tokens_per_second(self) -> float:
        """Positions written in a second of decoding, compiling included: nothing to rank by."""
        written = sum(sample.forwards * sample.tokens_per_step for sample in self.result.samples)
        return written / max(self.result.timing.seconds, 1e-9)


def rows_of(folders: Sequence[Path], tasks: Sequence[str] = ()) -> list[Row]:
    """All settings of finished runs; the folder is part of their names where there are several.

    Raises:
        ValueError: a run is not finished, lacks one of the tasks, or is of another suite.
    """
    rows = []
    for folder in folders:
        suite = read_outline(folder).identity["suite"] if (folder / RUN).is_file() else ""
        if rows and suite != rows[0].suite:
            raise ValueError(
                f"runs: must be of one suite, got {rows[0].suite} in {folders[0]} and {suite} in "
                f"{folder}"
            )
        questions = read_questions(folder) if suite == OFFICIAL else []
        for result in read_results(folder):
            name = result.name if len(folders) == 1 else f"{folder.name}: {result.name}"
            result = _only(folder, result, tasks)
            charged = _in_batches(result, questions) if suite == OFFICIAL else None
            rows.append(Row(name, result, suite, charged))
    return rows


def _in_batches(result: Result, questions: Sequence[Record]) -> float:
    found = speeds(entry_of(result, questions), in_batches=True)
    return sum(found.values()) / len(found)


def _only(folder: Path, result: Result, tasks: Sequence[str]) -> Result:
    """A result of these tasks alone; of all if none is named."""
    if not tasks:
        return result
    samples = by_task(result.samples)
    for task in tasks:
        if task not in samples:
            raise ValueError(f"--tasks: {folder} has {', '.join(samples)}, got {task!r}")
    return result._replace(
        samples=[sample for task in dict.fromkeys(tasks) for sample in samples[task]]
    )
