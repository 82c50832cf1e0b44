"""Finished runs as one document: what is kept of them where their answers are not."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.leaderboard.ranking import LEVELS
from benchmarks.report.curves import curves, speeds_at
from benchmarks.report.rows import Row
from benchmarks.report.shares import interval, right
from benchmarks.runner.decode import add_up
from benchmarks.runner.outline import read_outline


def document(folders: Sequence[Path], rows: Sequence[Row]) -> dict[str, Any]:
    """What was run, a line a setting, how fast each rule is at an accuracy, and what it cost."""
    return {
        "runs": [_about(folder) for folder in folders],
        "settings": [_setting(row) for row in rows],
        "tokens_per_step_at": {
            name: dict(zip(map(str, LEVELS), _rounded(speeds_at(curve)), strict=True))
            for name, curve in curves(rows).items()
        },
        "cost": _cost(rows),
    }


def _about(folder: Path) -> dict[str, Any]:
    outline = read_outline(folder)
    known = ("model", "suite", "questions", "batch", "seed")
    return {
        **outline.about,
        **{key: outline.identity[key] for key in known},
        "started": outline.started,
        "versions": outline.versions,
    }


def _setting(row: Row) -> dict[str, Any]:
    samples, mean = row.result.samples, row.result.mean
    low, high = interval(right(samples), len(samples))
    return {
        "setting": row.name,
        "n": len(samples),
        "accuracy": round(mean.accuracy, 2),
        "interval": _rounded([100 * low, 100 * high]),
        "forwards_per_row": round(mean.forwards, 3),
        "evaluations_per_row": round(row.result.evaluations, 3),
        "tokens_per_step": round(mean.tokens_per_step, 3),
        "tasks": {figures.task: round(figures.accuracy, 1) for figures in row.result.figures},
    }


def _cost(rows: Sequence[Row]) -> dict[str, float | None]:
    """Seconds of them all, and what the model's operations take at the rate of a product."""
    cost = add_up(row.result.timing for row in rows)
    return {
        "seconds": round(cost.seconds, 1),
        "compiling": round(cost.compiling, 1),
        "bound": None if cost.bound is None else round(cost.bound, 1),
        "occupancy": round(cost.occupancy, 4),
    }


def _rounded(numbers: Sequence[float]) -> list[float]:
    return [round(number, 2) for number in numbers]
