"""`report`: finished runs side by side."""

import argparse
from pathlib import Path

from rich.console import Console

from benchmarks.commands.command import Command, add_out, write_figures
from benchmarks.report.against import against_site
from benchmarks.report.document import document
from benchmarks.report.rows import refuse_mixed, rows_of
from benchmarks.report.table import show, site
from benchmarks.runner.outline import read_outline

EXAMPLES = """\
  python -m benchmarks report out/tiny
  python -m benchmarks report out/before out/after
  python -m benchmarks report out/sweep --out benchmarks/results/tiny.json
  python -m benchmarks report out/official --against site --name GSAI-ML/LLaDA-8B-Instruct
"""


def add(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("runs", type=Path, nargs="+", metavar="DIR", help="a finished run")
    add = parser.add_argument
    add("--against", choices=["site"], help="flag what is 3 sigma away from published numbers")
    add("--name", metavar="ORG/MODEL", help="the model's on the site; default: as it was loaded")
    add_out(parser, "the figures, a JSON file")


def perform(options: argparse.Namespace) -> None:
    """Prints."""
    if options.against:
        refuse_mixed(options.runs, "--against")
    rows = rows_of(options.runs)
    show(rows)
    if options.out is not None:
        write_figures(options.out, document(options.runs, rows))
    if options.against:
        name = options.name or read_outline(options.runs[0]).about.get("model", "")
        Console().print(site(*against_site(rows, name)))


COMMAND = Command(
    "report", "finished runs side by side, example by example", EXAMPLES, add, perform
)
