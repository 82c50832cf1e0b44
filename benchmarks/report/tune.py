"""The fastest setting of a finished sweep that is accurate enough, and the front it stands on."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.report.rows import Row
from benchmarks.report.shares import interval, right


class Choice(NamedTuple):
    """A setting as a point."""

    name: str
    rule: str
    options: dict[str, Any]
    tokens_per_step: float
    accuracy: float
    """The mean of its tasks, percent."""
    low: float
    """Of the 95 % interval of all its answers, percent."""
    high: float


class Tuned(NamedTuple):
    """What a sweep says."""

    floor: float
    best: Choice
    front: list[Choice]
    """Settings that no other beats in both, by speed."""


def tune(rows: Sequence[Row], floor: float) -> Tuned:
    """The setting with the most tokens per step among those of at least this accuracy.

    Raises:
        ValueError: the floor is no percentage, or no setting reaches it.
    """
    if not 0 <= floor <= 100:
        raise ValueError(f"tune: --accuracy must be in [0, 100] percent, got {floor}")
    choices = [_choice(row) for row in rows]
    able = [choice for choice in choices if choice.accuracy >= floor]
    if not able:
        most = max(choices, key=lambda choice: choice.accuracy)
        raise ValueError(
            f"tune: --accuracy must be reached by a setting, got {floor:g}; the most accurate is "
            f"{most.name!r} with {most.accuracy:.1f}"
        )
    best = max(able, key=lambda choice: (choice.tokens_per_step, choice.accuracy))
    return Tuned(floor, best, front(choices))


def front(choices: Sequence[Choice]) -> list[Choice]:
    """The settings that no other beats, by speed."""
    kept: list[Choice] = []
    for choice in sorted(choices, key=lambda c: (-c.tokens_per_step, -c.accuracy)):
        if not kept or choice.accuracy > kept[-1].accuracy:
            kept.append(choice)
    return kept[::-1]


def as_toml(tuned: Tuned, runs: Sequence[Path]) -> str:
    """The choice and the front as a TOML file."""
    head = [
        f"# The most tokens per step at {tuned.floor:g} % or more, from a finished sweep.",
        "# dllm generate --config THIS",
        f"runs = {json.dumps([str(run) for run in runs])}",
        f"floor = {tuned.floor!r}",
    ]
    tables = [_table("[chosen]", tuned.best), *(_table("[[front]]", c) for c in tuned.front)]
    return "\n".join(head) + "\n" + "".join(tables)


def _choice(row: Row) -> Choice:
    result = row.result
    low, high = interval(right(result.samples), len(result.samples))
    overall = result.mean
    return Choice(
        row.name,
        result.rule,
        result.options,
        overall.tokens_per_step,
        overall.accuracy,
        100 * low,
        100 * high,
    )


def _table(header: str, choice: Choice) -> str:
    values = {
        "scheduler": choice.rule,
        "tokens_per_step": round(choice.tokens_per_step, 4),
        "accuracy": round(choice.accuracy, 4),
        "interval": [round(choice.low, 4), round(choice.high, 4)],
    }
    # Quoted: `part.key` is one key.
    options = ", ".join(f'"{key}" = {_value(value)}' for key, value in choice.options.items())
    lines = [f"{key} = {_value(value)}" for key, value in values.items()]
    return "\n".join(["", header, *lines, f"options = {{ {options} }}", ""])


def _value(value: Any) -> str:
    return json.dumps(value)  # TOML writes these texts, numbers, booleans and lists alike
