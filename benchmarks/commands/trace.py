"""`trace`: one decode as a page that plays it."""

import argparse
from pathlib import Path

from benchmarks import suites
from benchmarks.commands.asked import asked
from benchmarks.commands.command import Command, add_out
from benchmarks.report.trace import page, trace
from benchmarks.runner.batches import make_plan
from benchmarks.runner.protocol import FLOAT32, NUMERICS, OFFICIAL
from benchmarks.runner.settings import choose_settings

EXAMPLES = """\
  python -m benchmarks trace --model tiny --tasks shuffle --scheduler threshold --out trace.html
  python -m benchmarks trace --model oracle:shuffle:6 --set tokens=2 --temperature 1 --out t.html
"""


def add(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    add = parser.add_argument
    add("--model", required=True, metavar="NAME", help="a folder, a hub id, tiny, or oracle:TASK")
    add("--suite", choices=suites.SUITES, default="embedded", help="default: %(default)s")
    add("--rows", type=Path, metavar="DIR", help="ParallelBench's rows, for --suite official")
    add("--tasks", default="", metavar="TASK", help="the example's; default: the first of all")
    add("--number", type=int, default=0, metavar="N", help="of the example; default: %(default)s")
    add("--scheduler", default="confidence", metavar="RULE", help="default: %(default)s")
    add("--set", action="append", default=[], metavar="KEY=VALUE", help="an option of the rule")
    add("--temperature", type=float, default=0.0, metavar="T", help="default: %(default)s")
    add("--numerics", choices=NUMERICS, default=FLOAT32, help="site: confidences as its runs had")
    add("--seed", type=int, default=0, metavar="N", help="of the task's first example")
    add_out(parser, "the page, an HTML file", required=True)


def perform(options: argparse.Namespace) -> None:
    """Decodes and writes the page."""
    if options.number < 0:
        raise ValueError(f"trace: --number must be at least 0, got {options.number}")
    limit = None if options.suite == OFFICIAL else options.number + 1
    subject, suite, questions = asked(options, limit=limit, texts=True)
    question = next((q for q in questions if q.number == options.number), None)
    if question is None:
        raise ValueError(f"trace: --number must be that of an example, got {options.number}")
    settings = choose_settings([options.scheduler], options.set, ids=subject.ids).settings
    if len(settings) > 1:
        raise ValueError(f"trace: --set needs one value each, got {len(settings)} combinations")
    plan = make_plan(
        subject,
        [question],
        settings,
        suite=suite,
        seed=options.seed,
        temperature=options.temperature,
        numerics=options.numerics,
    )
    shown = trace(plan)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(page(plan, shown), "utf-8")
    print(f"{options.out}: {len(shown.canvases) - 1} steps")


COMMAND = Command("trace", "one decode as a page that plays it", EXAMPLES, add, perform)
