"""Runs a measurement by name."""

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import after_logits, run, suites, throughput
from benchmarks.plan import make_plan
from dllm.cli.options import scheduler as named_scheduler
from dllm.load import DTYPES
from dllm.models.random import preset_names

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
  python -m benchmarks throughput --preset llada-8b --out benchmarks/results/h200.json
  python -m benchmarks throughput --preset llada-1m --prompt 16 --gen 16 --block 8 --batch 1 2
"""
RUN = """\
examples:
  python -m benchmarks run --model tiny --suite embedded --out out/tiny
  python -m benchmarks run --model tiny --tasks copy,sort --scheduler threshold --set threshold=0.8
  python -m benchmarks run --model DIR --suite official --rows ROWS --limit 20 --out out/official
"""

Command = Callable[[argparse.Namespace], dict[str, Any] | None]
"""Its figures, or nothing if it has written them itself."""


def main(arguments: list[str] | None = None) -> None:
    """The command line of the benchmarks."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=__doc__,
        epilog=AFTER_LOGITS + "".join(more.partition("\n")[2] for more in (THROUGHPUT, RUN)),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_after_logits(commands)
    _add_throughput(commands)
    _add_run(commands)
    options = parser.parse_args(arguments)
    try:
        figures = options.measure(options)
    except ValueError as error:
        parser.error(str(error))
    if options.out and figures is not None:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(json.dumps(figures, indent=1) + "\n")


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
    add("--scheduler", action="append", metavar="RULE", help="may be repeated; default: all plain")


def _after_logits(options: argparse.Namespace) -> dict[str, Any]:
    return after_logits.measure(
        options.batch,
        options.window,
        options.vocab,
        options.drafts,
        options.repeats,
        options.scheduler or list(after_logits.PLAIN),
    )


def _add_throughput(commands: Any) -> None:
    parser = _add(
        commands, "throughput", "tokens a second of a random network", THROUGHPUT, _throughput
    )
    add = parser.add_argument
    add("--preset", choices=preset_names(), default="llada-25m", help="default: %(default)s")
    add("--dtype", choices=DTYPES, help="default: float32; llada-8b bfloat16")
    add("--batch", type=int, nargs="+", metavar="N", help="rows; default: 8; llada-8b 1 and 8")
    add("--prompt", type=int, metavar="N", help="positions; default: 128; llada-8b 512")
    add("--gen", type=int, metavar="N", help="positions; default: 128; llada-8b 256")
    add("--block", type=int, default=32, metavar="N", help="positions; default: %(default)s")
    add("--tokens-per-step", type=int, default=1, metavar="N", help="in a row; default: 1")
    add("--steps", type=int, metavar="N", help="to run and time; default: all; llada-8b 32")
    add("--turn", type=int, default=8, metavar="N", help="steps a turn; default: %(default)s")
    add("--matmul", type=int, metavar="N", help="yardstick's size; default: 8192; CPUs 2048")
    add(
        "--peer",
        action=argparse.BooleanOptionalAction,
        help="also a PyTorch loop; default: if torch is there, in float32 on CPUs",
    )


def _throughput(options: argparse.Namespace) -> dict[str, Any]:
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
    )
    return throughput.measure(plan)


def _add_run(commands: Any) -> None:
    out = "write results.json and samples.jsonl into this folder"
    parser = _add(commands, "run", "accuracy and forwards of a suite of tasks", RUN, _run, out)
    add = parser.add_argument
    add("--model", required=True, metavar="DIR|ID|tiny", help="a checkpoint, or the tiny model")
    add("--suite", choices=suites.SUITES, default="embedded", help="default: %(default)s")
    add("--rows", type=Path, metavar="DIR", help="ParallelBench's rows, for --suite official")
    add("--tasks", default="", metavar="A,B", help="default: all that can be graded")
    add("--scheduler", default="confidence", metavar="RULE", help="default: %(default)s")
    add("--set", action="append", default=[], metavar="KEY=VALUE", help="an option of the rule")
    add("--limit", type=int, metavar="N", help="examples a task; default: 100, or all rows")
    add("--batch", type=int, default=8, metavar="N", help="rows at a time; default: %(default)s")
    add(
        "--seed", type=int, default=0, metavar="N", help="of a task's first row; the next has N + 1"
    )


def _run(options: argparse.Namespace) -> None:
    tasks = [task.strip() for task in options.tasks.split(",") if task.strip()]
    suite = suites.choose(options.suite, tasks, options.limit, options.rows)
    model = run.load(options.model)
    rule = named_scheduler(options, model)
    samples = run.run(model, suite, rule, batch=options.batch, seed=options.seed)
    figures = [run.summarise(listed) for listed in samples.values()]
    run.show(figures, " ".join([options.suite, options.scheduler, *options.set]))
    for task in suites.left_out(options.rows, tasks):
        print(f"not run: {task} needs the text grader")
    if options.out:
        about = ("model", "suite", "scheduler", "set", "batch", "seed")
        run.write(options.out, {key: getattr(options, key) for key in about}, samples, figures)


def _add(
    commands: Any,
    name: str,
    about: str,
    examples: str,
    measure: Command,
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
