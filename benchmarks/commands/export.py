"""`export`: a finished run in the folders of published results."""

import argparse
from pathlib import Path

from benchmarks.commands.command import Command, add_out
from benchmarks.export.check import check
from benchmarks.export.write import export

EXAMPLES = """\
  python -m benchmarks export out/sweep --name GSAI-ML/LLaDA-8B-Instruct --out out/entry
"""


def add(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("run", type=Path, metavar="DIR", help="a finished run, --suite official")
    parser.add_argument("--name", required=True, metavar="ORG/MODEL", help="the model's")
    add_out(parser, "folder for `results` and `site` (default: DIR/export)")


def perform(options: argparse.Namespace) -> None:
    """Writes, then says how complete each setting is."""
    out = options.out or options.run / "export"
    written = set(export(options.run, options.name, out))
    for verdict in check(out / "results"):
        if verdict.folder in written:
            print(f"{verdict.folder}: {verdict.words}")


COMMAND = Command(
    "export", "a finished run in the leaderboard's folders and tables", EXAMPLES, add, perform
)
