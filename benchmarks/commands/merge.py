"""`merge`: the folders of several shards become one run."""

import argparse
from pathlib import Path

from benchmarks.commands.command import Command
from benchmarks.runner.merge import merge
from benchmarks.runner.tables import show

EXAMPLES = """\
  python -m benchmarks merge out/run                      (shards that share a folder)
  python -m benchmarks merge out/run out/1 out/2 out/3    (each in a folder of its own)
"""


def add(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("folder", type=Path, metavar="DIR", help="of the whole run")
    parser.add_argument("others", type=Path, nargs="*", metavar="SHARD", help="to take parts from")


def perform(options: argparse.Namespace) -> None:
    """Merges and prints."""
    show(merge(options.folder, options.others), str(options.folder))


COMMAND = Command("merge", "one run out of the folders of its shards", EXAMPLES, add, perform)
