"""`tune`: the fastest setting of a sweep that is accurate enough."""

import argparse
from pathlib import Path

from benchmarks.commands.command import Command, add_out, tasks_of
from benchmarks.report.rows import refuse_mixed, rows_of
from benchmarks.report.tune import as_toml, tune

EXAMPLES = """\
  python -m benchmarks tune out/sweep --accuracy 80
  python -m benchmarks tune out/sweep --accuracy 80 --out tuned.toml
  python -m benchmarks tune out/sweep --accuracy 90 --tasks copy,sort --out tuned.toml
"""


def add(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("runs", type=Path, nargs="+", metavar="DIR", help="a finished sweep")
    parser.add_argument("--accuracy", type=float, required=True, metavar="P", help="floor, percent")
    parser.add_argument("--tasks", default="", metavar="A,B", help="tuned for; default: all")
    add_out(parser, "write the setting and the Pareto front into this TOML file")


def perform(options: argparse.Namespace) -> None:
    """Chooses, and prints or writes."""
    refuse_mixed(options.runs, "tune")
    tuned = tune(rows_of(options.runs, tasks_of(options)), options.accuracy)
    text = as_toml(tuned, options.runs)
    if options.out is None:
        print(text, end="")
        return
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(text, "utf-8")
    best = tuned.best
    print(f"{best.name}: {best.tokens_per_step:.2f} tokens per step at {best.accuracy:.1f} %")


COMMAND = Command(
    "tune", "the fastest setting at an accuracy, from a sweep", EXAMPLES, add, perform
)
