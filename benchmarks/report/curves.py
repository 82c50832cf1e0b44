"""Settings of one rule as a curve of accuracy over speed."""

from collections.abc import Sequence

from benchmarks.leaderboard.methods import method_of
from benchmarks.leaderboard.ranking import LEVELS, speed_at
from benchmarks.report.rows import Row


def curves(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Settings by rule and folder, each by speed."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        options = row.result.name.removeprefix(row.result.rule)
        found.setdefault(row.name.removesuffix(options), []).append(row)
    for listed in found.values():
        listed.sort(key=lambda row: row.result.mean.tokens_per_step)
    return found


def speeds_at(rows: Sequence[Row]) -> list[float]:
    """Tokens per step of one curve at the site's accuracies."""
    points = [(row.result.mean.tokens_per_step, row.result.mean.accuracy) for row in rows]
    methods = [method_of(row.result.rule, row.result.options) for row in rows]
    whole = all(method is not None and method.whole_tokens for method in methods)
    return [speed_at(points, level, between=not whole) for level in LEVELS]
