"""`quick`: what parallelism costs on the model that comes with the package, in minutes."""

import argparse
import importlib.util
from pathlib import Path

import dllm
from benchmarks import suites
from benchmarks.commands.command import Command
from benchmarks.report.plot import plot
from benchmarks.report.rows import rows_of
from benchmarks.runner.batches import make_plan
from benchmarks.runner.run import decode_into
from benchmarks.runner.settings import Setting, choose_settings
from benchmarks.runner.subject import Checkpoint
from benchmarks.runner.tables import show
from dllm.cli import cache
from dllm.sharding.cores import mesh_of_cores

EXAMPLES = """\
  python -m benchmarks quick
  python -m benchmarks quick --out out/quick --limit 3
"""
GRIDS = {
    **dict.fromkeys(
        ("random", "left_to_right", "confidence", "entropy", "margin"), "tokens=1,4,16"
    ),
    "threshold": "threshold=0.9,0.7,0.5",
    "factor": "factor=0.7,1.3,1.9",
}
"""Each plain rule from one token a step, or few, to many."""
SLOTS = 20
"""Divides both kinds of the suite's answers at ten a task: all lines, and all puzzles."""


def add(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    add = parser.add_argument
    add("--model", default="tiny", metavar="NAME", help="a folder or hub id; default: %(default)s")
    add("--limit", type=int, default=10, metavar="N", help="examples a task; default: %(default)s")
    add(
        "--out",
        dest="folder",
        type=Path,
        default=Path("out/quick"),
        metavar="DIR",
        help="of the run and the plot; the same command goes on there (default: %(default)s)",
    )
    cache.add_options(parser)


def perform(options: argparse.Namespace) -> None:
    """Runs, prints and draws."""
    subject = Checkpoint(dllm.load(options.model, place=mesh_of_cores(SLOTS)))
    settings = quick_settings(subject)
    asked = suites.ask("embedded", limit=options.limit)
    print(
        f"{subject.name}: {len(asked)} examples of 12 tasks x {len(settings)} settings of "
        f"{len(GRIDS)} schedulers, minutes on two cores; answers go to {options.folder}",
        flush=True,
    )
    plan = make_plan(subject, asked, settings, suite="embedded", slots=SLOTS)
    results = decode_into(options.folder, plan, {"command": "quick", "model": options.model})
    assert results is not None  # a whole run
    show(results, "embedded")
    if importlib.util.find_spec("matplotlib") is None:
        print("no plot: needs matplotlib (the extra `plots`)")
        return
    for path in plot(rows_of([options.folder]), options.folder / "curves"):
        print(path)


def quick_settings(subject: Checkpoint) -> list[Setting]:
    """Three settings of each rule."""
    return [
        setting
        for rule, grid in GRIDS.items()
        for setting in choose_settings([rule], [grid], ids=subject.ids).settings
    ]


COMMAND = Command(
    "quick", "a first look: 7 schedulers on 12 tasks, in minutes", EXAMPLES, add, perform
)
