"""Accuracy over tokens per step, a line a rule."""

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.leaderboard import site
from benchmarks.report.curves import curves
from benchmarks.report.rows import Row
from benchmarks.report.shares import interval, right

SUFFIXES = (".png", ".svg")


def plot(rows: Sequence[Row], path: Path, model: str | None = None) -> list[Path]:
    """Draws settings into a file, or without a suffix into a PNG and an SVG.

    Behind them the site's published curves of a model, if one is named: means of seventeen tasks.

    Raises:
        ValueError: matplotlib is not installed, another kind of file is asked for, or the site does
            not have the model.
    """
    if path.suffix and path.suffix not in SUFFIXES:
        raise ValueError(f"plot: --out must end in {' or '.join(SUFFIXES)}, got {path}")
    paths = [path] if path.suffix else [path.with_name(path.name + end) for end in SUFFIXES]
    figure = _figure(rows, model)
    path.parent.mkdir(parents=True, exist_ok=True)
    for each in paths:
        figure.savefig(each, dpi=150)
    return paths


def new_figure(width: float, height: float) -> Any:
    """A figure of matplotlib's, in inches.

    Raises:
        ValueError: matplotlib is not installed.
    """
    try:
        drawing = importlib.import_module("matplotlib.figure")
    except ImportError:
        raise ValueError(
            "plot: needs matplotlib, which is not installed (the extra `plots`)"
        ) from None
    return drawing.Figure(figsize=(width, height), layout="constrained")


def _figure(rows: Sequence[Row], model: str | None) -> Any:
    figure = new_figure(7, 4.5)
    axes = figure.add_subplot()
    if model is not None:
        _draw_site(axes, site.model_id(model))
    for name, listed in curves(rows).items():
        _draw(axes, name, listed)
    axes.set(xlabel="tokens per step", ylabel="accuracy, %")
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_formatter("{x:g}")
    axes.grid(alpha=0.3)
    axes.legend(fontsize="small")
    return figure


def _draw_site(axes: Any, model: str) -> None:
    for number, (method, points) in enumerate(site.curves(model).items()):
        speeds, shares = zip(*points, strict=True)
        label = f"site, {model}, 17 tasks" if number == 0 else None
        axes.plot(speeds, shares, color="0.75", lw=1, zorder=0, label=label)
        axes.annotate(method, points[-1], color="0.6", fontsize=6)


def _draw(axes: Any, name: str, rows: Sequence[Row]) -> None:
    speeds, shares, below, above = [], [], [], []
    for _, result, *_ in rows:
        count = len(result.samples)
        low, high = interval(right(result.samples), count)
        speeds.append(result.mean.tokens_per_step)
        shares.append(100 * right(result.samples) / count)
        below.append(shares[-1] - 100 * low)
        above.append(100 * high - shares[-1])
    axes.errorbar(speeds, shares, yerr=(below, above), marker="o", capsize=2, label=name)
