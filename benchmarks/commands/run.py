"""`run`: accuracy and forwards of rules on a suite of tasks."""

import argparse
from collections.abc import Sequence
from typing import Any

from benchmarks import suites
from benchmarks.commands.asked import add_asked, asked, is_oracle
from benchmarks.commands.command import Command, add_out, tasks_of
from benchmarks.oracles.subject import Oracle
from benchmarks.report.shares import interval, right
from benchmarks.runner.batches import Plan, make_plan
from benchmarks.runner.durable import Shard, parse_shard
from benchmarks.runner.mirror import mirror_of
from benchmarks.runner.protocol import FLOAT32, NUMERICS
from benchmarks.runner.results import Result
from benchmarks.runner.run import CrashedError, decode_here, decode_into
from benchmarks.runner.settings import choose_settings
from benchmarks.runner.tables import show
from benchmarks.texts.grammar import Grammar, open_grammar
from dllm.cli import cache, hardware

EXAMPLES = """\
  python -m benchmarks run --out out/tiny
  python -m benchmarks run --model tiny --tasks copy,sort --scheduler threshold --set threshold=0.8
  python -m benchmarks run --model tiny --scheduler entropy --scheduler margin --set tokens=1,2,4
  python -m benchmarks run --model tiny --scheduler leaderboard --sweep --out out/sweep
  python -m benchmarks run --model DIR --suite official --rows ROWS --limit 20 --out out/official
  python -m benchmarks run --model DIR --suite official --rows ROWS --out out/3 --shard 3/8
  python -m benchmarks run --model oracle:shuffle:6 --temperature 1 --set tokens=1,2,3 --limit 400
"""
DEFAULT = ("confidence",)
"""The exit status of a program that Ctrl-C ended."""
_ABOUT = ("model", "suite", "batch", "seed")


def add(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    add = parser.add_argument_group("what").add_argument
    add_asked(add)
    add("--tasks", default="", metavar="A,B", help="default: all that can be graded")
    add("--limit", type=int, metavar="N", help="examples a task; default: 100, or all rows")
    hardware.add_options(parser)
    add = parser.add_argument_group("how").add_argument
    add("--scheduler", action="append", metavar="RULE", help="may be repeated; default: confidence")
    add("--set", action="append", default=[], metavar="KEY=V1,V2", help="an option of the rules")
    add("--sweep", action="store_true", help="the published grid of each rule, or `leaderboard`'s")
    add("--temperature", type=float, default=0.0, metavar="T", help="default: %(default)s")
    add("--numerics", choices=NUMERICS, default=FLOAT32, help="site: confidences as its runs had")
    add("--language-tool", metavar="URL", help="a server that grades texts; default: started here")
    add("--batch", type=int, metavar="N", help=f"rows at a time; default: {hardware.BATCH}")
    add("--seed", type=int, default=0, metavar="N", help="of a task's first example; then N + 1")
    add_out(parser, "the run's folder; the same command continues a run that was cut off")
    cache.add_options(parser)
    parser.add_argument("--shard", metavar="I/N", help="do every N-th batch, from the I-th on")
    parser.add_argument(
        "--mirror", metavar="DIR", help="a folder or gs://… that follows --out, and is begun from"
    )


def perform(options: argparse.Namespace) -> None:
    """Runs, prints and writes."""
    shard = Shard() if options.shard is None else parse_shard(options.shard)
    if options.out is None and (shard.of > 1 or options.mirror):
        raise ValueError(f"run: --{'mirror' if options.mirror else 'shard'} needs --out")
    file = hardware.read(options)
    if options.batch is None:
        options.batch = hardware.BATCH if file is None else file.decode.batch
    grammar = _grammar(options)
    subject, suite, questions = asked(
        options,
        limit=options.limit,
        texts=grammar is not None,
        grammar=grammar,
        file=file,
        rows=options.batch,
    )
    rules = options.scheduler or list(DEFAULT)
    chosen = choose_settings(rules, options.set, published=options.sweep, ids=subject.ids)
    plan = make_plan(
        subject,
        questions,
        chosen.settings,
        suite=suite,
        slots=options.batch,
        seed=options.seed,
        temperature=options.temperature,
        numerics=options.numerics,
    )
    try:
        results, failed = _results(options, plan, shard), {}
    except CrashedError as crashed:
        results, failed = crashed.results, crashed.failed
    if results:
        named = chosen.settings[0].name if len(chosen.settings) == 1 else ""
        show(results, f"{suite} {named}".strip())
        _show_exact(plan, results)
    for method in chosen.left_out:
        print(f"not run: {method}")
    for name, error in failed.items():
        print(f"failed: {name}: {error}")
    if failed:
        raise SystemExit(1)


def _show_exact(plan: Plan, results: Sequence[Result]) -> None:
    """What settings come to by formulas, beside what was measured and its 95 % interval."""
    if not isinstance(plan.subject, Oracle):
        return
    asked = [question.example for question in plan.questions]
    settings = {setting.name: setting for setting in plan.settings}
    for result in results:
        exact = plan.subject.exact(asked, settings[result.name], plan.protocol.temperature)
        if exact is None:
            continue
        low, high = interval(right(result.samples), len(result.samples))
        print(
            f"exact: {result.name}: {100 * exact:.1f} %, measured {result.mean.accuracy:.1f} % "
            f"({100 * low:.1f} to {100 * high:.1f})"
        )


def _grammar(options: argparse.Namespace) -> Grammar | None:
    """What grades texts, if any are wanted; without it only those that are asked for are missed."""
    tasks = tasks_of(options)
    texts = suites.texts_of(options.suite, options.rows, tasks)
    if not texts or is_oracle(options):
        return None
    try:
        return open_grammar(options.language_tool)
    except ValueError as error:
        if tasks:
            raise
        print(f"12 rule tasks: not run: {', '.join(texts)} ({error})")
        return None


def _results(options: argparse.Namespace, plan: Plan, shard: Shard) -> list[Result] | None:
    if options.out is None:
        return decode_here(plan)
    mirror = mirror_of(options.out, options.mirror) if options.mirror else None
    results = decode_into(options.out, plan, about(options), shard=shard, mirror=mirror)
    if results is None:
        print(f"{options.out}: shard {shard} is done; `merge` the folders of all")
    return results


def about(options: argparse.Namespace) -> dict[str, Any]:
    """The command, as `results.json` tells it."""
    told = {key: getattr(options, key) for key in _ABOUT}
    told |= {"weights": options.weights} if options.weights else {}
    rules = options.scheduler or list(DEFAULT)
    single = rules[0] if len(rules) == 1 else rules
    return {**told, "scheduler": single, "set": options.set, "sweep": options.sweep}


COMMAND = Command(
    "run", "accuracy and forwards of rules on a suite of tasks", EXAMPLES, add, perform
)
