"""What grammars did to answers, as a table and as a picture."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.report.plot import new_figure

Figures = Sequence[Mapping[str, Any]]
"""What `benchmarks.grammar.tasks.measure_tasks` yields."""

HEAD = (
    "task, language",
    "rule",
    "valid, %",
    "right, %",
    "right, unmasked",
    "forwards",
    "forced tokens",
    "forwards saved",
)

ARMS = {"without": "no grammar", "with": "grammar", "unmasked": "grammar, unmasked scores"}
"""The ways of decoding that are drawn."""


def table(figures: Figures) -> str:
    """Markdown; an arrow leads from answers without a grammar to those with it."""
    rows = [HEAD, ("---",) * len(HEAD), *map(_row, figures)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _row(one: Mapping[str, Any]) -> tuple[str, ...]:
    free, held = one["without"], one["with"]
    return (
        f"{one['family']}, {one['language']}",
        rule_of(one),
        f"{100 * free['valid']:.0f} → {100 * held['valid']:.0f}",
        f"{100 * free['right']:.1f} → {100 * held['right']:.1f}",
        f"{100 * one['unmasked']['right']:.1f}",
        f"{free['forwards']:.1f} → {held['forwards']:.1f}",
        f"{held['forced']:.1f}",
        f"{one['forwards_saved']:.1f}",
    )


def rule_of(one: Mapping[str, Any]) -> str:
    """A rule with its options."""
    return " ".join([one["rule"], *(f"{name}={value}" for name, value in one["options"].items())])


def plot(figures: Figures, path: Path) -> None:
    """Draws the shares of valid and of right answers and the forwards, a colour a way of decoding.

    Raises:
        ValueError: matplotlib is not installed.
    """
    figure = new_figure(10, 1.6 + 0.3 * len(figures))
    panels = figure.subplots(1, 3, sharey=True)
    at = list(range(len(figures)))
    titles = {"valid": "valid, %", "right": "right, %", "forwards": "forwards an answer"}
    for axes, (field, title) in zip(panels, titles.items(), strict=True):
        scale = 1 if field == "forwards" else 100
        for number, (arm, label) in enumerate(ARMS.items()):
            values = [scale * one[arm][field] for one in figures]
            places = [y + 0.26 * (number - 1) for y in at]
            axes.barh(places, values, 0.24, label=label, color=f"C{number}")
        axes.set(xlabel=title)
        axes.grid(axis="x", alpha=0.3)
    names = [f"{one['family']}, {one['language']}\n{rule_of(one)}" for one in figures]
    panels[0].set_yticks(at, names, fontsize="small")
    panels[0].invert_yaxis()
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)
