"""ParallelBench's rows from where they are published into the folder that runs read.

The source holds a file or a folder for each task, named `<category>-<task>` as in the hub's
dataset, in JSON lines or Parquet. What the twelve tasks with rules ask is held against checksums.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.leaderboard.tasks import TASKS, Task
from benchmarks.tasks import latin_square, sudoku

COLUMNS = ("input", "answer", "output_format", "metadata", "prompt", "metric")
_JSON = COLUMNS[:4]
SUFFIXES = (".jsonl", ".parquet")

CHECKSUMS = {
    "copy": "c336554cae77bdcb",
    "reverse": "0d512584cb3762d6",
    "shuffle": "87817ba86a1fda1c",
    "sort": "a8064e94fe8a240c",
    "insert_index": "db4596780868fe5c",
    "insert_random": "5ac4d6bacacef6c7",
    "remove_index": "19cd1964128d0d8c",
    "remove_random": "9afc47f86dd10015",
    "replace_index": "acdecec31eddc526",
    "replace_random": "a57f099ff577ce8e",
    "sudoku_n4": "1e154969a80b30a5",
    "latin_square_n4": "b0936b2b431a4ed4",
}
"""Of the questions of the second version, the first 16 digits of a SHA-256."""

Row = dict[str, Any]


class Converted(NamedTuple):
    """A task's file that was written."""

    task: str
    path: Path
    rows: int
    checked: bool
    """Whether there is a checksum for it, which it has then."""


def convert(source: Path, folder: Path) -> list[Converted]:
    """Writes `<category>-<task>.jsonl` of every task that the source has.

    Raises:
        ValueError: no task is there, a row lacks a column, questions are not the published ones,
            or Parquet cannot be read.
    """
    found = {task.name: files_of(source, task) for task in TASKS.values()}
    present = {name: files for name, files in found.items() if files}
    if not present:
        raise ValueError(
            f"rows: {source} must hold <category>-<task> files, {' or '.join(SUFFIXES)}, got none"
        )
    rows = {name: [_row(*one) for one in _read(files)] for name, files in present.items()}
    for name, listed in rows.items():
        _refuse_other(name, listed)
    folder.mkdir(parents=True, exist_ok=True)
    return [_write(folder, TASKS[name], listed) for name, listed in rows.items()]


def files_of(source: Path, task: Task) -> list[Path]:
    """The files of a task: one of its name, or all in a folder of its name."""
    name = f"{task.category}-{task.name}"
    for suffix in SUFFIXES:
        whole = sorted(source.rglob(f"{name}{suffix}"))
        pieces = sorted(path for path in source.rglob(f"*{suffix}") if path.parent.name == name)
        if whole or pieces:
            return whole[:1] or pieces
    return []


def checksum(task: str, rows: Sequence[Row]) -> str:
    """Of what a task asks, line by line."""
    asked = [json.loads(row["input"]) for row in rows]
    if task == latin_square.TASK:
        return _digest(str(one["symbols"]) for one in asked)
    if task == sudoku.TASK:
        answers = [json.loads(row["answer"]) for row in rows]
        pairs = zip(asked, answers, strict=True)
        return _digest((f"{one['sudoku']}|{answer}" for one, answer in pairs), "\n\n")
    fields = ("context", "word", "index")
    return _digest("|".join(str(one.get(field, "")) for field in fields) for one in asked)


def _read(files: Sequence[Path]) -> Iterable[tuple[str, Any]]:
    """Rows, and where each stands."""
    for path in files:
        for number, row in enumerate(_lines(path), 1):
            yield f"{path}:{number}", row


def _lines(path: Path) -> list[Any]:
    if path.suffix == ".jsonl":
        lines = path.read_text("utf-8").split("\n")
        return [json.loads(line) for line in lines if line.strip()]
    try:
        from pyarrow import parquet  # pyright: ignore[reportMissingImports]
    except ImportError:
        raise ValueError(
            f"rows: {path} is Parquet, which needs pyarrow (pip install pyarrow); JSON lines do not"
        ) from None
    return parquet.read_table(path).to_pylist()


def _row(where: str, row: Any) -> Row:
    missing = [name for name in COLUMNS if name not in row]
    if missing:
        raise ValueError(f"{where}: the row lacks {', '.join(missing)}")
    return {
        name: row[name] if name not in _JSON or isinstance(row[name], str) else _json(row[name])
        for name in COLUMNS
    }


def _refuse_other(task: str, rows: Sequence[Row]) -> None:
    if task not in CHECKSUMS:
        return
    try:
        held = checksum(task, rows)
    except (ValueError, KeyError):
        raise ValueError(
            f"rows: {task} must hold the fields of its questions, got others"
        ) from None
    if held != CHECKSUMS[task]:
        raise ValueError(
            f"rows: {task} must be ParallelBench v2's, with checksum {CHECKSUMS[task]}, got {held} "
            f"of {len(rows)} rows"
        )


def _write(folder: Path, task: Task, rows: Sequence[Row]) -> Converted:
    path = folder / f"{task.category}-{task.name}.jsonl"
    path.write_text("".join(_json(row) + "\n" for row in rows), "utf-8")
    return Converted(task.name, path, len(rows), task.name in CHECKSUMS)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _digest(lines: Iterable[str], between: str = "\n") -> str:
    return hashlib.sha256(between.join(lines).encode()).hexdigest()[:16]
