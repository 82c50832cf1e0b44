"""What several runs of one recipe came to: figures before and after, and their curves."""

import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.report.plot import new_figure
from dllm.train import read_metrics

Rows = Sequence[Mapping[str, Any]]


def figures(runs: Mapping[int, Path]) -> dict[str, Any]:
    """Of runs by seed: each evaluation, the rewards on the way, means before and after."""
    own = {seed: _run(read_metrics(path / "metrics.jsonl")) for seed, path in runs.items()}
    names = next(iter(own.values()))["evaluations"][0]["values"]
    means = {
        name: {
            "before": statistics.mean(_of(run, 0)[name] for run in own.values()),
            "after": statistics.mean(_of(run, -1)[name] for run in own.values()),
        }
        for name in names
    }
    return {"means": means, "runs": [{"seed": seed, **run} for seed, run in own.items()]}


def _of(run: Mapping[str, Any], at: int) -> dict[str, float]:
    return run["evaluations"][at]["values"]


def _run(rows: Rows) -> dict[str, Any]:
    steps = [row for row in rows if "loss" in row]
    found = [row for row in rows if "evaluation" in row]
    if not found:
        raise ValueError("rl: a run must have been evaluated, run.evaluate_every is 0")
    shown = ("step", "reward", "kl", "clip_ratio", "forwards")
    last = steps[-1] if steps else {"examples": 0, "seconds": 0.0}
    return {
        "evaluations": [{"step": row["step"], "values": row["evaluation"]} for row in found],
        "answers": last["examples"],
        "seconds": last["seconds"],
        "updates": [{name: _short(row[name]) for name in shown} for row in steps],
    }


def _short(value: float | None) -> float | None:
    return None if value is None else round(value, 5)


def plot(found: Mapping[str, Any], path: Path) -> None:
    """Draws accuracy and reward over updates, a line a seed.

    Raises:
        ValueError: matplotlib is not installed.
    """
    figure = new_figure(9, 3.6)
    accuracy, reward = figure.subplots(1, 2)
    tasks = [name for name in found["means"] if not name.endswith(" forwards")]
    for run in found["runs"]:
        for number, task in enumerate(tasks):
            points = [(each["step"], each["values"][task]) for each in run["evaluations"]]
            label = task if run is found["runs"][0] else None
            accuracy.plot(*zip(*points, strict=True), f"C{number}.-", label=label)
        points = [(each["step"], each["reward"]) for each in run["updates"]]
        reward.plot(*zip(*points, strict=True), lw=1, label=f"seed {run['seed']}")
    accuracy.set(xlabel="updates", ylabel="accuracy, %", ylim=(-2, 102))
    reward.set(xlabel="updates", ylabel="reward")
    for axes in (accuracy, reward):
        axes.grid(alpha=0.3)
        axes.legend(fontsize="small")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)
