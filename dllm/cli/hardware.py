"""The option that names a hardware file."""

import argparse
from pathlib import Path
from typing import Any

from jax.sharding import Mesh

from dllm.cli import hosts
from dllm.hardware import Hardware, claim, read_hardware, set_flags

BATCH = 8
"""Rows at a time, where nobody says."""


def add_option(parser: argparse.ArgumentParser, *, required: bool = False) -> None:
    """`--hardware`."""
    parser.add_argument(
        "--hardware",
        type=Path,
        required=required,
        metavar="FILE",
        help="a file of tpu_configs/: the mesh, compiler flags, and defaults for dtype, cache and "
        "batch; other devices than it names are an error",
    )


def add_options(parser: argparse.ArgumentParser) -> None:
    """`--hardware`, and how the processes of several hosts are joined."""
    add_option(parser)
    hosts.add_options(parser)


def read(options: argparse.Namespace) -> Hardware | None:
    """The file that the options name."""
    if options.hardware is None:
        hosts.refuse_alone(options)
        return None
    return read_hardware(options.hardware)


def decoding(options: argparse.Namespace) -> dict[str, Any]:
    """Cache, batch and canvas lengths: as the options say, else as the file does."""
    file = read(options)
    told = {"cache": "none", "batch": BATCH, "lengths": ()}
    if file is not None:
        told = {name: getattr(file.decode, name) for name in told}
    chosen = {"cache": options.cache, "batch": options.batch}
    return told | {name: value for name, value in chosen.items() if value is not None}


def mesh(hardware: Hardware, options: argparse.Namespace) -> Mesh:
    """The mesh over the devices that are here, with the compiler's flags set before.

    Where it is of several hosts, their processes are joined first.
    """
    set_flags(hardware)
    if hardware.hosts > 1:
        hosts.join(options)
    else:
        hosts.refuse_alone(options)
    return claim(hardware)
