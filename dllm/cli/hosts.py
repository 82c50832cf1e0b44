"""The options that join processes of several hosts, and what these must have in common."""

import argparse
import hashlib
import os
import sys
from pathlib import Path
from typing import Any

from dllm import hosts

_OWN = ("coordinator", "process", "compile_cache", "no_compile_cache", "run", "measure")
"""Options in which processes may differ, and what parsers keep beside options."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """`--coordinator`, `--processes`, `--process`."""
    add = parser.add_argument_group("several hosts, with --hardware").add_argument
    add("--coordinator", metavar="HOST:PORT", help="of the first process; TPU slices know it")
    add("--processes", type=int, metavar="N", help="how many there are; TPU slices know it")
    add("--process", type=int, metavar="I", help="which this is, from 0; TPU slices know it")


def refuse_alone(options: argparse.Namespace) -> None:
    """Raises if processes shall be joined, but nothing says how the model is cut over them."""
    for name in ("coordinator", "processes", "process"):
        if getattr(options, name, None) is not None:
            raise ValueError(f"--{name} needs --hardware, a file of several hosts")


def join(options: argparse.Namespace) -> None:
    """Joins the others, and makes sure that they run the same; all but the first fall silent.

    Raises:
        ValueError: they could not be joined, or another version or option is found there.
    """
    given = [getattr(options, name, None) for name in ("coordinator", "processes", "process")]
    hosts.join(*given)
    hosts.agree({**hosts.versions(), **_told(options)})
    if not hosts.is_first():
        sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115  (to the end of the process)
        if hasattr(options, "quiet"):
            options.quiet = True


def _told(options: argparse.Namespace) -> dict[str, str]:
    """The options, files by what is in them."""
    return {
        f"--{name.replace('_', '-')}": _words(value)
        for name, value in vars(options).items()
        if name not in _OWN
    }


def _words(value: Any) -> str:
    if isinstance(value, Path) and value.is_file():
        return f"{value} ({hashlib.sha256(value.read_bytes()).hexdigest()[:12]})"
    return str(value)
