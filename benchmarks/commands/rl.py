"""`rl`: reinforcement learning on the benchmark's tasks, along a scheduler's own trajectory."""

import argparse
from pathlib import Path
from typing import Any

from benchmarks.commands.command import Command, add_out, write_figures
from benchmarks.report.plot import new_figure
from benchmarks.rl.recipe import read_recipe, train
from benchmarks.rl.report import figures, plot
from dllm.cli import cache

EXAMPLES = """\
  python -m benchmarks rl --config benchmarks/rl/latin_square.toml --out out/latin
  python -m benchmarks rl --config benchmarks/rl/latin_square.toml --seeds 0,1,2 --out out/latin \\
      --figures benchmarks/results/rl-latin-square.json --plot out/latin.png
"""


def add(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    add = parser.add_argument
    add("--config", type=Path, required=True, metavar="FILE.toml", help="a recipe")
    add("--init", metavar="DIR|tiny", help="the checkpoint to start from, before the recipe's")
    add("--seeds", default="", metavar="A,B", help="a run each; default: the recipe's run.seed")
    add("--steps", type=int, metavar="N", help="updates, instead of the recipe's")
    add("--figures", type=Path, metavar="FILE", help="write what the runs came to as JSON")
    add("--plot", type=Path, metavar="FILE", help="draw their curves")
    add("--quiet", action="store_true", help="no progress bar")
    cache.add_options(parser)
    add_out(parser, "a folder with one for each seed; what was cut off goes on", required=True)


def perform(options: argparse.Namespace) -> None:
    """Trains what is not trained yet, and prints what all runs came to."""
    if options.plot is not None:
        new_figure(1, 1)  # or it would be refused after the runs
    runs: dict[int, Path] = {}
    for recipe in [
        read_recipe(options.config, _changed(options, s)) for s in _seeds(options.seeds)
    ]:
        own = recipe.run.seed
        runs[own] = options.out / f"seed-{own}"
        train(recipe, runs[own], progress=False if options.quiet else None)
    found = {"recipe": options.config.stem, **figures(runs)}
    for name, mean in found["means"].items():
        print(f"{name}: {mean['before']:.2f} before, {mean['after']:.2f} after")
    write_figures(options.figures, found)
    if options.plot is not None:
        plot(found, options.plot)


def _seeds(text: str) -> list[int | None]:
    try:
        seeds = [int(seed) for seed in text.split(",") if seed.strip()]
    except ValueError:
        raise ValueError(f"--seeds: must be whole numbers, got {text!r}") from None
    return [*seeds] or [None]


def _changed(options: argparse.Namespace, seed: int | None) -> dict[str, dict[str, Any]]:
    changed: dict[str, dict[str, Any]] = {}
    if seed is not None:
        changed["run"] = {"seed": seed}
    if options.init is not None:
        changed["model"] = {"init": options.init}
    if options.steps is not None:
        changed["optimizer"] = {"steps": options.steps}
    return changed


COMMAND = Command(
    "rl", "reinforcement learning along the trajectory of a scheduler", EXAMPLES, add, perform
)
