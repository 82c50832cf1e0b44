"""How far a run is and how long it will take."""

import sys
import time

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from benchmarks.runner.batches import Batch, Plan

_LINES_APART = 30.0
"""Seconds between two lines where no bar can be shown."""


class Clock:
    """Seconds left, from the batches that are done: those of one rule and shape cost alike."""

    def __init__(self, todo: list[Batch]) -> None:
        self._left = {batch.number: batch for batch in todo}
        self._spent: dict[tuple[int, ...], tuple[float, int]] = {}

    def done(self, batch: Batch, seconds: float) -> None:
        """Takes note of what a batch took."""
        del self._left[batch.number]
        for key in _alike(batch):
            total, rows = self._spent.get(key, (0.0, 0))
            self._spent[key] = (total + seconds, rows + len(batch.questions))

    @property
    def seconds(self) -> float:
        """What is left to do will take about so long."""
        return sum(self._estimate(batch) for batch in self._left.values())

    def _estimate(self, batch: Batch) -> float:
        known = next((self._spent[key] for key in _alike(batch) if key in self._spent), (0.0, 1))
        return known[0] / known[1] * len(batch.questions)


def _alike(batch: Batch) -> list[tuple[int, ...]]:
    """What a batch's cost can be told from, the closest first."""
    return [(batch.setting, batch.group), (batch.setting,), ()]


class Display:
    """A bar on a terminal, a line now and then elsewhere; all of it on the error stream."""

    def __init__(self, plan: Plan, todo: list[Batch], show: bool | None) -> None:
        self._plan, self._clock = plan, Clock(todo)
        self._console = Console(stderr=True)
        self._bar_shown = sys.stderr.isatty() if show is None else show
        self._quiet = show is False
        self._rows = sum(len(batch.questions) for batch in todo)
        self._done, self._said = 0, time.perf_counter()
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("answers, {task.fields[left]} left"),
            console=self._console,
            transient=self._console.is_terminal,
        )
        self._task = self._bar.add_task("decoding", total=self._rows, left="?")

    def __enter__(self) -> "Display":
        if self._bar_shown:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar_shown:
            self._bar.stop()

    def begin(self, batch: Batch) -> None:
        """A batch is being decoded."""
        name = self._plan.settings[batch.setting].name
        self._bar.update(self._task, description=name)

    def end(self, batch: Batch, seconds: float) -> None:
        """A batch is done."""
        self._clock.done(batch, seconds)
        self._done += len(batch.questions)
        left = in_words(self._clock.seconds)
        self._bar.update(self._task, completed=self._done, left=left)
        now = time.perf_counter()
        if not self._bar_shown and not self._quiet and now - self._said >= _LINES_APART:
            self._said = now
            name = self._plan.settings[batch.setting].name
            self._console.print(f"{self._done} of {self._rows} answers, {left} left ({name})")


def in_words(seconds: float) -> str:
    """A duration: `42 s`, `3:05 min`, `2:10 h`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    unit = "min" if whole < 3600 else "h"
    high, low = divmod(whole if unit == "min" else whole // 60, 60)
    return f"{high}:{low:02d} {unit}"
