"""Graded once more: finished runs by today's graders, published samples to see if they agree."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.leaderboard.tasks import TASKS
from benchmarks.runner.durable import prepare, write_durably
from benchmarks.runner.outline import QUESTIONS, RUN, read_outline, read_questions
from benchmarks.runner.results import Result, read_results, told, write
from benchmarks.runner.samples import Sample, by_task
from benchmarks.tasks.catalogue import TEXTS
from benchmarks.texts.grammar import Grammar
from benchmarks.texts.marks import GRAMMAR, mark


class Agreement(NamedTuple):
    """The grades of a task, before and now."""

    task: str
    before: list[int]
    now: list[int]
    numbers: list[int]
    """Of the examples."""

    @property
    def changed(self) -> list[int]:
        """Examples that are graded otherwise."""
        triples = zip(self.numbers, self.before, self.now, strict=True)
        return [number for number, before, now in triples if before != now]


def regrade(folder: Path, grammar: Grammar | None) -> tuple[list[Result], list[Agreement]]:
    """The results of a finished run by today's graders, and what has changed.

    Raises:
        ValueError: the run is not finished, or has texts and there is no grammar checker.
    """
    labels = {(asked["task"], asked["number"]): asked["label"] for asked in read_questions(folder)}
    before = read_results(folder)
    now = [_again(result, labels, grammar) for result in before]
    return now, list(_compared(before, now))


def write_regraded(folder: Path, results: list[Result], grammar: Grammar | None, out: Path) -> None:
    """Writes the final files of a run that was graded once more into a folder of its own.

    Raises:
        ValueError: the folder is the run's, or cannot be written.
    """
    if out.resolve() == folder.resolve():
        raise ValueError(f"--out: must be another folder than the run's, got {out}")
    prepare(out)
    outline = read_outline(folder)
    grader = outline.identity["grader"] if grammar is None else grammar.version
    outline = outline._replace(identity={**outline.identity, "grader": grader})
    write_durably(out / QUESTIONS, (folder / QUESTIONS).read_bytes())
    write_durably(out / RUN, (json.dumps(outline._asdict(), indent=1) + "\n").encode())
    write(out, told(outline, {}), results)


def published(folder: Path) -> dict[str, Path]:
    """Files of published samples below a folder, by task; of several settings the first."""
    found: dict[str, Path] = {}
    for task in TASKS.values():
        paths = sorted(folder.rglob(task.samples_file))
        if paths:
            found[task.name] = paths[0]
    return found


def calibrate(paths: Mapping[str, Path], grammar: Grammar | None) -> list[Agreement]:
    """Published grades against those of today's graders, example by example.

    Raises:
        ValueError: a line is no sample, or there are texts and no grammar checker.
    """
    return [_calibrated(task, path, grammar) for task, path in paths.items()]


def has_texts(tasks: Iterable[str]) -> bool:
    """Whether a grammar checker is needed."""
    return any(task in TEXTS for task in tasks)


def _again(
    result: Result, labels: Mapping[tuple[str, int], Any], grammar: Grammar | None
) -> Result:
    samples = []
    for sample in result.samples:
        marked = mark(sample.task, labels[sample.task, sample.number], sample.text, grammar)
        changed = {"score": marked.score, "score_strict": marked.strict, "metrics": marked.metrics}
        samples.append(sample._replace(**changed))
    return result._replace(samples=samples)


def _compared(before: list[Result], now: list[Result]) -> Iterable[Agreement]:
    def joined(results: list[Result]) -> dict[str, list[Sample]]:
        return by_task([sample for result in results for sample in result.samples])

    again = joined(now)
    for task, old in joined(before).items():
        new = again[task]
        numbers = [sample.number for sample in old]
        yield Agreement(task, [s.score for s in old], [s.score for s in new], numbers)


def _calibrated(task: str, path: Path, grammar: Grammar | None) -> Agreement:
    agreement = Agreement(task, [], [], [])
    for i, text in enumerate(path.read_text("utf-8").split("\n"), 1):
        if not text:
            continue
        try:
            line = json.loads(text)
            said, label = line["filtered_resps"][0], line["doc"]["label"]
            stored = round(line[GRAMMAR if task in TEXTS else "score"])
            number = line["doc_id"]
        except (ValueError, KeyError, IndexError, TypeError):
            raise ValueError(f"{path}:{i}: must be a published sample, got another line") from None
        agreement.before.append(stored)
        agreement.now.append(mark(task, label, said, grammar).score)
        agreement.numbers.append(number)
    return agreement
