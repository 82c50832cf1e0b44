"""Write a checkpoint in orbax' layout, which many devices restore faster."""

import argparse
from pathlib import Path

from dllm.convert import convert
from dllm.load import DTYPES

EXAMPLES = """\
examples:
  dllm convert GSAI-ML/LLaDA-8B-Instruct llada --dtype bfloat16
  dllm generate "Why is the sky blue?" --model llada --hardware tpu_configs/v5e-8.toml
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of this command."""
    add = parser.add_argument
    add("path", metavar="DIR|ID", help="a checkpoint's folder or hub id")
    add("folder", type=Path, help="a folder that is empty or not there")
    add("--dtype", choices=DTYPES, help="of the weights (default: the file's own)")
    add("--quiet", action="store_true", help="no progress bar")


def run(options: argparse.Namespace) -> int:
    """The command."""
    progress = False if options.quiet else None
    print(convert(options.path, options.folder, dtype=options.dtype, progress=progress))
    return 0
