"""Write a checkpoint of random weights, to try things out."""

import argparse
import sys
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from dllm.models.random import init_random, preset, preset_names

EXAMPLES = """\
examples:
  dllm init-random /tmp/toy --preset llada-1m
  dllm init-random /tmp/big --preset llada-8b --dtype bfloat16
  dllm init-random --list
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of this command."""
    add = parser.add_argument
    add("folder", type=Path, nargs="?", help="a folder that is empty or not there")
    add("--preset", default="llada-1m", help="the shape (default %(default)s)")
    add("--dtype", default="bfloat16", help="bfloat16 (default) or float32")
    add("--seed", type=int, default=0)
    add("--list", action="store_true", help="print the presets")


def run(options: argparse.Namespace) -> int:
    """The command."""
    if options.list:
        print("\n".join(preset_names()))
        return 0
    if options.folder is None:
        raise ValueError("needs a folder to write to")
    shape = preset(options.preset)
    bar = Progress(
        TextColumn("writing"),
        BarColumn(),
        DownloadColumn(binary_units=True),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        disable=not sys.stderr.isatty(),
    )
    task = bar.add_task("writing", total=None)
    with bar:
        init_random(
            options.folder,
            shape,
            dtype=options.dtype,
            seed=options.seed,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    print(options.folder)
    return 0
