"""`report`: finished runs side by side."""

import argparse
from pathlib import Path

from benchmarks.commands.command import Command
from benchmarks.report.rows import rows_of
from benchmarks.report.table import show

EXAMPLES = """\
  python -m benchmarks report out/tiny
  python -m benchmarks report out/before out/after
"""


def add(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("runs", type=Path, nargs="+", metavar="DIR", help="a finished run")


def perform(options: argparse.Namespace) -> None:
    """Prints."""
    show(rows_of(options.runs))


COMMAND = Command(
    "report", "finished runs side by side, example by example", EXAMPLES, add, perform
)
