"""`check`: whether folders of results are complete leaderboard entries."""

import argparse
from pathlib import Path

from benchmarks.commands.command import Command
from benchmarks.export.check import check

EXAMPLES = """\
  python -m benchmarks check out/entry
"""


def add(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("folder", type=Path, metavar="DIR", help="of results, or above them")


def perform(options: argparse.Namespace) -> None:
    """Prints a line a folder; exits with 1 unless all are complete."""
    verdicts = check(options.folder)
    for verdict in verdicts:
        print(f"{verdict.folder}: {verdict.words}")
    if not all(verdict.complete for verdict in verdicts):
        raise SystemExit(1)


COMMAND = Command(
    "check", "whether results are a complete leaderboard entry", EXAMPLES, add, perform
)
