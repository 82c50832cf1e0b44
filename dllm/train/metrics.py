"""What a run says of itself: one JSON line a step, and a bar."""

import json
import sys
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from dllm.train.step import FINE, Metrics


class NotFiniteError(ValueError):
    """A loss or gradient was not finite: the step and the checkpoint that is left are named."""


class Pending(NamedTuple):
    """A step that the device may still be at."""

    step: int
    metrics: Metrics
    shape: int
    rows: int
    waited: float


class Journal:
    """`metrics.jsonl`, continued behind a checkpoint's step, whatever was written after it."""

    def __init__(self, path: Path, step: int) -> None:
        kept = _kept(path, step)
        steps = [row for row in kept if "loss" in row]
        self.examples: int = steps[-1]["examples"] if steps else 0
        self.evaluated = any(row["step"] == step and "evaluation" in row for row in kept)
        """Whether the model of that step was evaluated before the run was cut off."""
        self._before: float = steps[-1]["seconds"] if steps else 0.0
        self._start = time.monotonic()
        self._ended = self._before
        fresh = path.with_name(f".{path.name}")
        fresh.write_text("".join(map(_line, kept)), "utf-8")
        fresh.replace(path)
        self._file = path.open("a", encoding="utf-8")

    def add(self, pending: Pending) -> dict[str, Any]:
        """Waits for a step and writes what it says.

        Raises:
            NotFiniteError: its loss or gradient was not.
        """
        read = jax.device_get(pending.metrics)
        if read.failed != FINE:
            raise NotFiniteError(
                f"step {pending.step}: loss and gradient must be finite, got loss {read.loss} and "
                f"gradient norm {read.grad_norm}"
            )
        now = self.seconds
        self.examples += pending.rows
        row = {
            "step": pending.step,
            "loss": float(read.loss),
            "accuracy": float(read.accuracy),
            "grad_norm": float(read.grad_norm),
            "learning_rate": float(read.learning_rate),
            "examples": self.examples,
            "seconds": round(now, 3),
            "waiting": round(pending.waited / max(now - self._ended, 1e-9), 3),
            "shape": pending.shape,
        }
        self._ended = now
        self.write(row)
        return row

    @property
    def seconds(self) -> float:
        """Since the run was begun, pauses left out."""
        return self._before + time.monotonic() - self._start

    def write(self, row: dict[str, Any]) -> None:
        """Writes a row, which has a `step`; one of a step itself has a `loss`, too."""
        self._file.write(_line(row))

    def evaluation(self, step: int, values: dict[str, float]) -> None:
        """Writes what an evaluation found."""
        self._file.write(_line({"step": step, "evaluation": values}))

    def flush(self) -> None:
        """Everything so far is in the file."""
        self._file.flush()

    def close(self) -> None:
        """Closes the file."""
        self._file.close()


class Bar:
    """Steps done, loss, examples a second and the time left, on the error stream."""

    def __init__(self, first: int, steps: int, show: bool | None, smooth: int = 50) -> None:
        self._show = sys.stderr.isatty() if show is None else show
        self._rows: deque[dict[str, Any]] = deque(maxlen=smooth)
        console = Console(stderr=True)
        self._bar = Progress(
            TextColumn("training"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[said]}"),
            TimeRemainingColumn(),
            console=console,
            transient=console.is_terminal,
        )
        self._task = self._bar.add_task("training", total=steps, completed=first, said="")

    def __enter__(self) -> "Bar":
        if self._show:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._show:
            self._bar.stop()

    def see(self, row: dict[str, Any]) -> None:
        """A step has ended."""
        self._rows.append(row)
        first, last = self._rows[0], self._rows[-1]
        seconds = last["seconds"] - first["seconds"]
        speed = (last["examples"] - first["examples"]) / seconds if seconds > 0 else 0.0
        said = f"{self.says(self._rows)}, {speed:.1f} examples/s"
        self._bar.update(self._task, completed=row["step"], said=said)

    def says(self, rows: Sequence[dict[str, Any]]) -> str:
        """What the last steps come to."""
        return f"loss {mean(rows, 'loss'):.4f}"


def mean(rows: Sequence[dict[str, Any]], name: str) -> float:
    """The mean of one number of some steps."""
    return sum(row[name] for row in rows) / len(rows)


def read_metrics(path: str | Path) -> list[dict[str, Any]]:
    """Rows of a `metrics.jsonl`; a last line that was cut off is left out."""
    path = Path(path)
    lines = path.read_text("utf-8").split("\n")[:-1] if path.exists() else []
    return [json.loads(line) for line in lines]


def _kept(path: Path, step: int) -> list[dict[str, Any]]:
    return [row for row in read_metrics(path) if row["step"] <= step]


def _line(row: dict[str, Any]) -> str:
    return json.dumps(row) + "\n"
