"""Settings of finished runs."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.runner.results import Result, read_results


class Row(NamedTuple):
    """A setting of one of the runs."""

    name: str
    result: Result


def rows_of(folders: Sequence[Path]) -> list[Row]:
    """All settings of finished runs; the folder is part of their names where there are several.

    Raises:
        ValueError: a run is not finished.
    """
    rows = []
    for folder in folders:
        for result in read_results(folder):
            name = result.name if len(folders) == 1 else f"{folder.name}: {result.name}"
            rows.append(Row(name, result))
    return rows
