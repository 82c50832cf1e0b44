"""A progress bar of decoding: positions decided, rows ended."""

import sys
from collections.abc import Sequence

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from dllm.canvas import Layout
from dllm.jobs import Glance
from samplers import MASK


class Meter:
    """Shown on the error stream if asked for; by itself on a terminal with more than a batch."""

    def __init__(self, what: str, layouts: Sequence[Layout], batch: int, show: bool | None) -> None:
        self._show = (len(layouts) > batch and sys.stderr.isatty()) if show is None else show
        self._holes = [layout.ids.count(MASK) for layout in layouts]
        self._done = [0] * len(layouts)
        self._ended = 0
        console = Console(stderr=True)
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("tokens, {task.fields[ended]} of {task.fields[rows]} rows"),
            TimeRemainingColumn(),
            console=console,
            transient=console.is_terminal,
        )
        self._task = self._bar.add_task(what, total=sum(self._holes), ended=0, rows=len(layouts))

    def __enter__(self) -> "Meter":
        if self._show:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._show:
            self._bar.stop()

    def see(self, glances: Sequence[Glance]) -> None:
        """Rows under way."""
        for glance in glances:
            left = sum(token == MASK for token in glance.ids)
            self._done[glance.job] = max(0, self._holes[glance.job] - left)
        self._move()

    def end(self, job: int) -> None:
        """A row has ended."""
        self._done[job] = self._holes[job]
        self._ended += 1
        self._move()

    def _move(self) -> None:
        self._bar.update(self._task, completed=sum(self._done), ended=self._ended)
