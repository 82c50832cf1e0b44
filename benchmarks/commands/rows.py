"""`rows`: ParallelBench's published rows into the folder that `--rows` names."""

import argparse
from pathlib import Path

from benchmarks.commands.command import Command
from benchmarks.tasks.convert import CHECKSUMS, convert

EXAMPLES = """\
  python -m benchmarks rows ~/Downloads/ParallelBench rows     (the hub's dataset, JSONL or Parquet)
"""


def add(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("source", type=Path, metavar="SRC", help="holds <category>-<task> files")
    parser.add_argument("folder", type=Path, metavar="DIR", help="written into")


def perform(options: argparse.Namespace) -> None:
    """Converts, and says what was checked and what is missing."""
    converted = convert(options.source, options.folder)
    for one in converted:
        known = "checksum as published" if one.checked else "no checksum known"
        print(f"{one.path}: {one.rows} rows, {known}")
    missing = sorted(set(CHECKSUMS) - {one.task for one in converted})
    if missing:
        print(f"not there: {', '.join(missing)}")


COMMAND = Command(
    "rows", "ParallelBench's published rows for --suite official", EXAMPLES, add, perform
)
