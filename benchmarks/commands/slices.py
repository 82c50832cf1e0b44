"""`slices`: the decode loop compiled for every TPU slice, none of which need be here."""

import argparse
import json
from pathlib import Path
from typing import Any

import jax

from benchmarks import slices
from benchmarks.commands.command import Command, add_out
from dllm.models.random import preset_names
from dllm.topology import Shape

EXAMPLES = """\
  python -m benchmarks slices --out benchmarks/results/slices.json --page docs/tpu.md
  python -m benchmarks slices --only v5e-8,v6e-4 --out benchmarks/results/slices.json
"""


def add(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    add = parser.add_argument
    add("--folder", type=Path, default=Path("tpu_configs"), help="default: %(default)s")
    add("--only", default="", metavar="A,B", help="these slices; the others of --out are kept")
    add("--preset", choices=preset_names(), default="llada-8b", help="default: %(default)s")
    add("--prompt", type=int, default=512, metavar="N", help="positions; default: %(default)s")
    add("--gen", type=int, default=256, metavar="N", help="positions; default: %(default)s")
    add("--block", type=int, default=32, metavar="N", help="positions; default: %(default)s")
    add("--page", type=Path, metavar="FILE", help="put the table into this page of Markdown")
    add_out(parser, "write the figures to this JSON file, slice by slice")


def perform(options: argparse.Namespace) -> None:
    """Compiles, prints and writes."""
    jax.config.update("jax_platforms", "cpu")  # else jax looks for a slice itself
    names = [name.strip() for name in options.only.split(",") if name.strip()]
    files = slices.choose(options.folder, names)
    wanted = Shape(options.prompt, options.gen, options.block)
    told = slices.about(options.preset, wanted)
    known = slices.kept(options.out, told) if names else {}
    figures = _figures(told, known)
    for one in slices.measure(files, options.preset, wanted):
        print(slices.words(one), flush=True)
        figures = _figures(told, known := {**known, one["slice"]: one})
        if options.out is not None:
            options.out.parent.mkdir(parents=True, exist_ok=True)
            options.out.write_text(json.dumps(figures, indent=1) + "\n")
    print(slices.table(figures))
    if options.page is not None:
        page = slices.put_into(options.page.read_text("utf-8"), figures)
        options.page.write_text(page, "utf-8")


def _figures(told: dict[str, Any], known: dict[str, Any]) -> dict[str, Any]:
    return {**told, "slices": [known[name] for name in sorted(known)]}


COMMAND = Command(
    "slices",
    "memory of the decode loop on every TPU slice, compiled from afar",
    EXAMPLES,
    add,
    perform,
)
