"""Runs a measurement by name."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import after_logits, throughput
from benchmarks.commands import (
    check,
    export,
    grade,
    grammar,
    merge,
    plot,
    prompts,
    quick,
    report,
    rl,
    rows,
    run,
    search,
    slices,
    trace,
    tune,
)
from benchmarks.commands.command import add_commands, write_figures
from benchmarks.plan import CACHES, PUBLISHED, make_plan
from benchmarks.tiny.recipe import read_recipe, train
from dllm.cli import hardware
from dllm.cli.cache import keep_programs
from dllm.cli.failures import status_of
from dllm.hardware import claim, read_hardware, set_flags
from dllm.limits import at_least
from dllm.load import DTYPES
from dllm.models.random import preset_names
from samplers.named import RULES

AFTER_LOGITS = """\
examples:
  python -m benchmarks after-logits
  python -m benchmarks after-logits --batch 8 --window 32 --vocab 126464 --drafts 4
  python -m benchmarks after-logits --scheduler threshold --out after_logits.json
"""
THROUGHPUT = """\
examples:
  python -m benchmarks throughput                       (a complete decode; minutes)
  python -m benchmarks throughput --steps 32 --no-peer  (the first 32 steps of it)
  python -m benchmarks throughput --cache prefix dual --tokens-per-step 4 --steps 8 --no-peer
  python -m benchmarks throughput --preset llada-8b --hardware tpu_configs/h200_1.toml
  python -m benchmarks throughput --preset llada-1m --prompt 16 --gen 16 --block 8 --batch 1 2
"""
TRAIN = """\
examples:
  python -m benchmarks train --config benchmarks/tiny/first.toml --out out/first
  python -m benchmarks train --config benchmarks/tiny/second.toml --init out/first/model --out out/2
  python -m benchmarks train --config RECIPE --init tiny --rows ROWS --out out/3
"""

Measure = Callable[[argparse.Namespace], dict[str, Any] | None]
"""A command's figures, or nothing if it has written them itself."""

_MODULES = (
    quick,
    run,
    merge,
    report,
    grade,
    plot,
    trace,
    tune,
    search,
    export,
    check,
    rows,
    prompts,
    slices,
    grammar,
    rl,
)
COMMANDS = tuple(module.COMMAND for module in _MODULES)


def make_parser() -> argparse.ArgumentParser:
    """The parser of all commands."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=__doc__,
        epilog=AFTER_LOGITS
        + "".join(more.partition("\n")[2] for more in (THROUGHPUT, TRAIN))
        + "".join(command.examples for command in COMMANDS),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_after_logits(commands)
    _add_throughput(commands)
    _add_train(commands)
    add_commands(commands, COMMANDS)
    return parser


def main(arguments: list[str] | None = None) -> None:
    """The command line of the benchmarks."""
    options = make_parser().parse_args(arguments)
    if arguments is None:  # callers within Python choose for themselves
        keep_programs(options)

    def perform() -> None:
        figures = options.measure(options)
        if figures is not None:
            write_figures(options.out, figures)

    status = status_of(f"python -m benchmarks {options.command}", perform)
    if status:
        raise SystemExit(status)


def _add_after_logits(commands: Any) -> None:
    parser = _add(
        commands, "after-logits", "time of a step beyond the model", AFTER_LOGITS, _after_logits
    )
    add = parser.add_argument
    add("--batch", type=int, default=8)
    add("--window", type=int, default=32)
    add("--vocab", type=int, default=126_464)
    add("--drafts", type=int, default=1)
    add("--repeats", type=int, default=7)
    add("--scheduler", action="append", metavar="RULE", help="may be repeated; default: all")


def _after_logits(options: argparse.Namespace) -> dict[str, Any]:
    for name in ("batch", "window", "drafts", "repeats"):
        at_least(f"--{name}", getattr(options, name), 1)
    at_least("--vocab", options.vocab, after_logits.LEAST_VOCAB)
    return after_logits.measure(
        options.batch,
        options.window,
        options.vocab,
        options.drafts,
        options.repeats,
        options.scheduler or list(RULES),
    )


def _add_throughput(commands: Any) -> None:
    parser = _add(
        commands, "throughput", "tokens a second of a random network", THROUGHPUT, _throughput
    )
    large = " and ".join(PUBLISHED)
    add = parser.add_argument
    add("--preset", choices=preset_names(), default="llada-25m", help="default: %(default)s")
    hardware.add_option(parser)
    add("--dtype", choices=DTYPES, help="default: the file's, or float32; llada-8b bfloat16")
    add("--batch", type=int, nargs="+", metavar="N", help=f"rows; default: 8; {large} 1 and 8")
    add("--prompt", type=int, metavar="N", help=f"positions; default: 128; {large} 512")
    add("--gen", type=int, metavar="N", help=f"positions; default: 128; {large} 256")
    add("--block", type=int, default=32, metavar="N", help="positions; default: %(default)s")
    add("--tokens-per-step", type=int, metavar="N", help=f"in a row; default: 1; {large} 4")
    add(
        "--cache",
        nargs="*",
        choices=CACHES,
        help=f"also time steps over these; default: none; {large} both",
    )
    add("--steps", type=int, metavar="N", help=f"to run and time; default: all; {large} 32")
    add("--turn", type=int, default=8, metavar="N", help="steps a turn; default: %(default)s")
    add("--matmul", type=int, metavar="N", help="yardstick's size; default: 8192; CPUs 2048")
    add(
        "--peer",
        action=argparse.BooleanOptionalAction,
        help="also a PyTorch loop; default: if torch is there, in float32 on CPUs",
    )


def _throughput(options: argparse.Namespace) -> dict[str, Any]:
    file = None if options.hardware is None else read_hardware(options.hardware)
    mesh = None
    if file is not None:
        set_flags(file)
        mesh = claim(file)
    plan = make_plan(
        options.preset,
        dtype=options.dtype,
        batches=None if options.batch is None else tuple(options.batch),
        prompt=options.prompt,
        gen=options.gen,
        block=options.block,
        steps=options.steps,
        per_step=options.tokens_per_step,
        turn=options.turn,
        matmul=options.matmul,
        peer=options.peer,
        caches=options.cache,
        hardware=file,
    )
    return throughput.measure(plan, mesh)


def _add_train(commands: Any) -> None:
    out = "the run's folder; the same command continues a run that was cut off (required)"
    parser = _add(commands, "train", "training of the tiny model", TRAIN, _train, out)
    add = parser.add_argument
    add("--config", type=Path, required=True, metavar="FILE", help="a recipe in TOML")
    add("--init", metavar="DIR|tiny", help="start from this checkpoint with a fresh optimizer")
    add("--rows", type=Path, metavar="DIR", help="ParallelBench's rows, for mixture.official")
    add("--steps", type=int, metavar="N", help="instead of the recipe's")


def _train(options: argparse.Namespace) -> None:
    if options.out is None:
        raise ValueError("train: needs --out, the run's folder")
    changed: dict[str, dict[str, Any]] = {}
    if options.init is not None:
        changed["model"] = {"init": options.init}
    if options.steps is not None:
        changed["optimizer"] = {"steps": options.steps}
    recipe = read_recipe(options.config, changed)
    train(recipe, options.out, options.rows)


def _add(
    commands: Any,
    name: str,
    about: str,
    examples: str,
    measure: Measure,
    out: str = "write the figures to this JSON file",
) -> argparse.ArgumentParser:
    """A command with what all of them have."""
    parser = commands.add_parser(
        name,
        help=about,
        description=f"Measures the {about}.",
        epilog=examples,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--out", type=Path, help=out)
    parser.set_defaults(measure=measure)
    return parser


if __name__ == "__main__":
    main()
