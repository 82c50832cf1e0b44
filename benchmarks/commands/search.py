"""`search`: rules, drafts and caches in combinations that no paper has, held against a baseline."""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console
from rich.table import Table

from benchmarks.commands.asked import asked
from benchmarks.commands.command import Command, add_out, write_figures
from benchmarks.runner.batches import make_plan
from benchmarks.runner.results import Result
from benchmarks.runner.run import CrashedError, decode_here, decode_into
from benchmarks.runner.settings import CACHE, Setting, choose_settings
from benchmarks.runner.subject import Subject
from benchmarks.runner.versions import versions
from dllm.cli import cache
from dllm.limits import at_least

EXAMPLES = """\
  python -m benchmarks search --out out/search
  python -m benchmarks search --figures benchmarks/results/search-tiny.json
  python -m benchmarks search --model oracle:sudoku_n4 --limit 200
"""
BASELINE = "confidence"
"""One token a step: what accuracy is held against."""
KNOWN = "threshold"
"""What speed is held against: the best setting of this rule that is accurate enough."""
_ALL = ("answer_start=0", "answer_length=64", "max_steps=32")
_WITH_FILTER = ("block_length=32",)

COMBINATIONS: tuple[tuple[str, ...], ...] = (
    (BASELINE,),
    (KNOWN, "threshold=0.5,0.8,0.85,0.9,0.99"),
    ("learn2pd", "tau=0.5,0.9,0.96", *_WITH_FILTER),
    ("learn2pd", "tau=0.5,0.9", "eotp=prediction", "drafts=4", *_WITH_FILTER),
    ("learn2pd", "tau=0.5,0.9", "eotp=decoded", "cache=dual", "drafts=4", *_WITH_FILTER),
    ("localleap+prophet", "threshold=0.9,0.99", *_ALL),
    ("localleap+prophet", "threshold=0.9,0.99", "drafts=4", *_ALL),
    ("learn2pd+prophet", "tau=0.5,0.9", *_ALL, *_WITH_FILTER),
    ("localleap", "threshold=0.9"),
    ("credit+threshold", "threshold=0.9"),
    (KNOWN, "threshold=0.85,0.9", "drafts=4"),
)
"""A rule and its options each, as `run` takes them."""


class Found(NamedTuple):
    """A setting as a point."""

    setting: str
    accuracy: float
    """The mean of the tasks, percent."""
    forwards: float
    evaluations: float
    """Forwards times drafts."""
    tokens_per_step: float


def add(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    add = parser.add_argument
    add("--model", default="tiny", metavar="NAME", help="as of `run`; default: %(default)s")
    add("--limit", type=int, default=10, metavar="N", help="examples a task; default: %(default)s")
    add(
        "--within", type=float, default=1.0, metavar="P", help="points that may be lost; default: 1"
    )
    add("--batch", type=int, default=100, metavar="N", help="rows at a time; default: %(default)s")
    add("--figures", type=Path, metavar="FILE", help="write the figures to this JSON file")
    add_out(parser, "the run's folder; the same command continues a run that was cut off")
    cache.add_options(parser)
    parser.set_defaults(suite="embedded", tasks="", rows=None, weights=None)


def perform(options: argparse.Namespace) -> None:
    """Runs, prints and writes."""
    at_least("--within", options.within, 0)
    subject, suite, questions = asked(options, limit=options.limit, texts=False, rows=options.batch)
    settings = combinations(subject)
    temperature = 0.0 if suite == "embedded" else 1.0
    plan = make_plan(
        subject, questions, settings, suite=suite, slots=options.batch, temperature=temperature
    )
    told = {"command": "search", "model": options.model, "limit": options.limit}
    failed: dict[str, str] = {}
    try:
        results = decode_here(plan) if options.out is None else decode_into(options.out, plan, told)
    except CrashedError as crashed:
        results, failed = crashed.results, crashed.failed
    assert results is not None  # a whole run
    for name, error in failed.items():
        print(f"failed: {name}: {error}")
    if not results or results[0].name != settings[0].name:
        raise SystemExit(1)  # nothing to hold others against
    found = [_found(result) for result in results]
    summary = summarise(found, options.within)
    _print(f"{subject.name}, {len(questions)} examples", found, summary)
    listed = {"settings": [one._asdict() for one in found], "failed": failed}
    write_figures(options.figures, {**told, **versions(), **summary, **listed})
    if failed:
        raise SystemExit(1)


def combinations(subject: Subject) -> list[Setting]:
    """All that the subject can be decoded with: filters and caches are of networks."""
    plain = "filter" not in subject.ids
    return [
        setting
        for rule, *sets in COMBINATIONS
        if not (plain and (rule.startswith("learn2pd") or any(CACHE in text for text in sets)))
        for setting in choose_settings([rule], sets, ids=subject.ids).settings
    ]


def summarise(found: Sequence[Found], within: float) -> dict[str, Any]:
    """The fastest setting that is accurate enough, beside the fastest of the known rule."""
    floor = found[0].accuracy - within
    able = [one for one in found if one.accuracy >= floor]
    best = max(able, key=_speed)
    known = max((one for one in able if _is_known(one)), key=_speed, default=None)
    return {
        "floor": floor,
        "best": best.setting,
        KNOWN: None if known is None else known.setting,
        "ratio": None if known is None else best.tokens_per_step / known.tokens_per_step,
    }


def _is_known(one: Found) -> bool:
    return one.setting.startswith(f"{KNOWN} ") and "drafts=" not in one.setting


def _speed(one: Found) -> tuple[float, float]:
    return one.tokens_per_step, -one.evaluations


def _found(result: Result) -> Found:
    mean = result.mean
    tokens = mean.tokens_per_step
    return Found(result.name, mean.accuracy, mean.forwards, result.evaluations, tokens)


def _print(title: str, found: Sequence[Found], summary: Mapping[str, Any]) -> None:
    table = Table("setting", "accuracy", "forwards", "evaluations", "TPS", "", title=title)
    for one in sorted(found, key=_speed, reverse=True):
        mark = "best" if one.setting == summary["best"] else ""
        mark = mark or ("" if one.accuracy >= summary["floor"] else "inaccurate")
        table.add_row(one.setting, *(f"{value:.2f}" for value in one[1:]), mark)
    Console().print(table)
    if summary["ratio"] is not None:
        print(
            f"at {summary['floor']:.1f} % or more, {summary['best']!r} writes "
            f"{summary['ratio']:.2f} times the tokens a forward of {summary[KNOWN]!r}"
        )


COMMAND = Command(
    "search",
    "combinations of rules, drafts and caches, and the best of them",
    EXAMPLES,
    add,
    perform,
)
