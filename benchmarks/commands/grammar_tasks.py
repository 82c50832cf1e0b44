"""`grammar --tasks`: embedded tasks answered with a grammar and without."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dllm
from benchmarks.commands.command import tasks_of, write_figures
from benchmarks.grammar.questions import FAMILIES
from benchmarks.grammar.task_report import plot, table
from benchmarks.grammar.tasks import measure_tasks
from benchmarks.tasks.embedded import SCORED
from dllm.limits import at_least
from dllm.requests import ids_of
from dllm.rules import sweep

EXAMPLES = """\
  python -m benchmarks grammar --tasks                      (answers of tiny held to a form)
  python -m benchmarks grammar --tasks lists,holes --scheduler confidence --set tokens=1,8 --limit 4
  python -m benchmarks grammar --tasks --out tasks.json --plot tasks.png
"""


_OWN = {"model": "tiny", "limit": 16, "scheduler": None, "set": [], "seed": 0, "batch": 16}
_OWN |= {"plot": None, "progress": None}
"""What `--tasks` alone reads, and its defaults."""


def add_options(add: Callable[..., object]) -> None:
    """Declares what `--tasks` reads."""
    known = ",".join(FAMILIES)
    what = f"instead: tasks answered with and without a grammar (all: {known})"
    add("--tasks", nargs="?", const=known, metavar="A,B", help=what)
    add("--model", default=_OWN["model"], metavar="NAME", help="who answers (default: %(default)s)")
    add(
        "--limit",
        type=int,
        default=_OWN["limit"],
        metavar="N",
        help="questions a task (%(default)s)",
    )
    add("--scheduler", action="append", metavar="RULE", help="may be repeated; default: threshold")
    add("--set", action="append", default=[], metavar="KEY=V1,V2", help="an option of the rules")
    add("--seed", type=int, default=_OWN["seed"], help="of what is drawn (default: %(default)s)")
    add(
        "--batch",
        type=int,
        default=_OWN["batch"],
        help="questions at a time (default: %(default)s)",
    )
    add("--plot", type=Path, metavar="PATH", help="a picture of the answers")
    add("--progress", action=argparse.BooleanOptionalAction, help="a bar (default: on a terminal)")


def refuse_own(options: argparse.Namespace) -> None:
    """Refuses what has no meaning without `--tasks`."""
    for name, default in _OWN.items():
        if (value := getattr(options, name)) != default:
            raise ValueError(f"--{name}: must stand beside --tasks, got {value!r}")


def perform(options: argparse.Namespace) -> None:
    """Prints a table, its rows as they come."""
    named = tasks_of(options)
    unknown = sorted(set(named) - set(FAMILIES))
    if unknown or not named:
        got = repr(unknown[0]) if unknown else "none"
        raise ValueError(f"--tasks: must be of {', '.join(FAMILIES)}, got {got}")
    for other in ("languages", "programs"):
        if value := getattr(options, other):
            raise ValueError(f"--tasks: must be without --{other}, got {value!r}")
    at_least("--limit", options.limit, 1)
    at_least("--batch", options.batch, 1)
    at_least("--seed", options.seed, 0)
    if options.limit > SCORED:
        raise ValueError(f"--limit must be at most {SCORED}, got {options.limit}")
    model = dllm.load(options.model)
    choices = sweep(options.scheduler or ["threshold"], options.set, ids=ids_of(model))
    figures: list[dict[str, Any]] = []
    about = {name: getattr(options, name) for name in ("model", "limit", "seed", "batch")}
    for one in measure_tasks(
        model, named, choices, options.limit, options.seed, options.batch, options.progress
    ):
        lines = table([one]).splitlines()
        print("\n".join(lines[2:] if figures else lines), flush=True)
        figures.append(one)
        write_figures(options.out, about | {"figures": figures})
    if options.plot is not None:
        plot(figures, options.plot)
