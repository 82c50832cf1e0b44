"""`slices`: the decode loop of every model compiled for TPU slices, none of which need be here."""

import argparse
from pathlib import Path

import jax

from benchmarks import slices
from benchmarks.commands.command import Command, add_out, write_figures
from dllm.topology import Shape

EXAMPLES = """\
  python -m benchmarks slices --out benchmarks/results/slices.json --page docs/tpu.md
  python -m benchmarks slices --only v5e-8,llada2-mini --out benchmarks/results/slices.json
"""


def add(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    add = parser.add_argument
    add("--folder", type=Path, default=Path("tpu_configs"), help="default: %(default)s")
    add("--only", default="", metavar="A,B", help="what is of these slices and models")
    add("--again", action="store_true", help="also what --out holds already")
    add("--prompt", type=int, default=512, metavar="N", help="positions; default: %(default)s")
    add("--gen", type=int, default=256, metavar="N", help="positions; default: %(default)s")
    add("--block", type=int, default=32, metavar="N", help="positions; default: %(default)s")
    add("--page", type=Path, metavar="FILE", help="put the tables into this page of Markdown")
    add_out(parser, "a JSON file for the figures; what it holds already is not compiled again")


def perform(options: argparse.Namespace) -> None:
    """Compiles, prints and writes, program by program."""
    jax.config.update("jax_platforms", "cpu")  # else jax looks for a slice itself
    names = [name.strip() for name in options.only.split(",") if name.strip()]
    if options.page is not None:
        slices.place_in(options.page.read_text("utf-8"))  # refused now, not after compiling
    every = slices.choose(options.folder)
    asked = slices.choose(options.folder, names)
    wanted = Shape(options.prompt, options.gen, options.block)
    told = slices.about(wanted)
    known = slices.kept(options.out, told, every)

    def has(program: slices.Program) -> bool:
        return any(slices.is_of(one, program) for one in known)

    left = [program for program in asked if options.again or not has(program)]
    figures = {**told, "programs": known}
    for program, made in zip(left, slices.measure(left, wanted), strict=True):
        print(slices.words(made), flush=True)
        known = [one for one in known if not slices.is_of(one, program)] + [made]
        ordered = [one for place in every for one in known if slices.is_of(one, place)]
        figures = {**told, "programs": ordered}
        write_figures(options.out, figures)
    print(slices.tables(figures))
    if options.page is not None:
        page = slices.put_into(options.page.read_text("utf-8"), figures)
        options.page.write_text(page, "utf-8")


COMMAND = Command(
    "slices",
    "memory of every model's decode loop on TPU slices, compiled from afar",
    EXAMPLES,
    add,
    perform,
)
