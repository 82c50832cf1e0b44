"""ParallelBench's own names and rows, where they are there, and rows of our own in its format."""

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from benchmarks.tasks import official
from benchmarks.tasks.catalogue import KINDS
from benchmarks.tasks.example import Instance
from benchmarks.tasks.names import FIRST, LAST
from tests.shared import SHARED

ROWS = SHARED / "parallelbench" / "v2"
_NAMES = SHARED / "parallelbench" / "first_last_names.yaml"

needs_rows = pytest.mark.skipif(
    not ROWS.is_dir(), reason=f"ParallelBench's rows are absent: no folder {ROWS} (DLLM_SHARED)"
)
needs_names = pytest.mark.skipif(
    not _NAMES.is_file(), reason=f"ParallelBench's names are absent: no {_NAMES} (DLLM_SHARED)"
)


@cache
def listed_names() -> tuple[list[str], list[str]]:
    """The published first and last names: a list of two lists, in YAML."""
    groups: list[list[str]] = []
    for line in _NAMES.read_text("utf-8").splitlines():
        if line.startswith("- - "):
            groups.append([])
        groups[-1].append(line.strip("- "))
    first, last = groups
    return first, last


def full_names() -> list[str]:
    """All published full names, in their order."""
    first, last = listed_names()
    return [f"{one} {other}" for one in first for other in last]


def own_names() -> list[str]:
    """Some full names of our own."""
    return [f"{one} {other}" for one in FIRST[:40] for other in LAST[:40]]


def as_row(instance: Instance) -> dict[str, Any]:
    """An instance as ParallelBench stores it."""
    fields, answer = official.shown(instance.task)
    plain = KINDS[instance.task].metric in ("list_match_score", "sudoku_score")
    return {
        "input": json.dumps(
            {**instance.fields, "icl_examples": [{"input": fields, "answer": answer}]}
        ),
        "answer": json.dumps(instance.answer if plain else instance.label),
        "output_format": '""',
        "metadata": "{}",
        "prompt": official.TEMPLATES[instance.task],
        "metric": KINDS[instance.task].metric,
    }


def write_rows(folder: Path, task: str, rows: Sequence[Any]) -> Path:
    """A file of rows under the name that a loader expects."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{KINDS[task].category}-{task}.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path
