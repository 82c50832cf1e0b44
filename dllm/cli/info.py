"""Say what a checkpoint is, what memory it takes, how it is best decoded."""

import argparse
import json
from typing import Any

import jax
import numpy as np
from jax.sharding import AbstractMesh, AxisType
from rich.console import Console
from rich.table import Table

from dllm.cli import hardware
from dllm.hardware import Hardware
from dllm.load import DTYPES, Description, describe, stored_tensors
from dllm.models.config import Config
from dllm.models.memory import estimate
from dllm.models.network import abstract
from dllm.models.weights import shapes_by_path
from dllm.sharding import placement, refuse_misfit

EXAMPLES = """\
examples:
  dllm info DIR
  dllm info DIR --batch 8 --length 1024 --json
  dllm info DIR --hardware tpu_configs/v5e-8.toml
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of this command."""
    add = parser.add_argument
    add("path", metavar="DIR|ID", help="a checkpoint's folder or hub id")
    add("--batch", type=int, default=1, help="rows decoded together (default %(default)s)")
    add("--length", type=int, help="positions of a row (default: the model's most)")
    add("--window", type=int, default=32, help="positions a block (default %(default)s)")
    add("--drafts", type=int, default=1, help="guessed canvases a forward (default %(default)s)")
    hardware.add_option(parser)
    add("--json", action="store_true", help="for machines")


def run(options: argparse.Namespace) -> int:
    """The command."""
    facts = gather(describe(options.path), options)
    if options.json:
        print(json.dumps(facts, ensure_ascii=False))
        return 0
    table = Table(show_header=False, box=None, title=facts["name"], title_justify="left")
    for name, value in facts.items():
        text = ", ".join(f"{k} {v}" for k, v in value.items()) if isinstance(value, dict) else value
        table.add_row(name.replace("_", " "), _words(name, text))
    Console().print(table)
    return 0


def gather(about: Description, options: argparse.Namespace) -> dict[str, Any]:
    """All that is said, by name; memory in bytes."""
    config = about.config
    for name in ("batch", "window", "drafts"):
        if getattr(options, name) < 1:
            raise ValueError(f"--{name} must be at least 1, got {getattr(options, name)}")
    length = config.max_length if options.length is None else options.length
    if not 1 <= length <= config.max_length:
        raise ValueError(f"--length must be in [1, {config.max_length}], got {length}")
    found = stored_tensors(about.folder)
    weights = sum(tensor.size for tensor in found.values())
    itemsize = max(tensor.dtype.itemsize for tensor in found.values())
    rows = options.batch * options.drafts
    file = hardware.read(options)
    flash = jax.default_backend() == "gpu" and itemsize == 2
    work = estimate(config, itemsize, rows, length, min(options.window, length), flash=flash)
    return {
        "name": about.name,
        "family": about.family.name,
        "parameters": config.parameters,
        "dtypes": sorted({tensor.dtype.name for tensor in found.values()}),
        "shape": {
            "layers": config.layers,
            "width": config.width,
            "heads": config.heads,
            "kv_heads": config.kv_heads,
            "mlp": config.hidden,
            "vocabulary": config.vocab,
            "positions": config.max_length,
        },
        "special_ids": {k: v for k, v in about.specials._asdict().items() if v is not None},
        "tokenizer": about.tokenizer is not None,
        "chat_template": about.chat is not None,
        "weights_bytes": weights,
        "batch": options.batch,
        "length": length,
        "work_bytes": work,
        "total_bytes": weights + work,
        **({} if file is None else _on(file, config)),
        "recommended": about.family.recommended,
    }


def _on(file: Hardware, config: Config) -> dict[str, Any]:
    """What one device of the hardware holds, which need not be here.

    Raises:
        ValueError: the parameters do not fit.
    """
    dtype = np.dtype(DTYPES[file.decode.dtype])
    sizes = {"data": file.mesh.data, "model": file.mesh.model}
    mesh = AbstractMesh(tuple(sizes.values()), tuple(sizes), axis_types=(AxisType.Auto,) * 2)
    shapes = shapes_by_path(abstract(config, dtype)[1])
    held = refuse_misfit(placement(mesh, config), shapes, dtype.itemsize, file.memory)
    return {
        "hardware": f"{file.name}: {file.devices} devices, {file.decode.dtype}",
        "mesh": sizes,
        "device_bytes": file.memory,
        "weights_on_device_bytes": held,
    }


def _words(name: str, value: Any) -> str:
    if name.endswith("_bytes"):
        return f"{value / 2**30:.2f} GiB" if value >= 2**28 else f"{value / 2**20:.1f} MiB"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return f"{value:,}" if isinstance(value, int) else str(value)
