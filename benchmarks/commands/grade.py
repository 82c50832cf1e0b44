"""`grade`: answers graded once more, and grammar checkers held against published grades."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.commands.command import Command, add_out
from benchmarks.report import regrade
from benchmarks.report.regrade import Agreement
from benchmarks.runner.outline import RUN, read_questions
from benchmarks.texts.grammar import Grammar, open_grammar

EXAMPLES = """\
  python -m benchmarks grade out/official --out out/regraded
  python -m benchmarks grade ~/Downloads/results/LLaDA-1.5     (published samples: do grades agree?)
"""
_NAMED = 10
"""Examples that are named; more are counted."""


def add(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    add = parser.add_argument
    add("folder", type=Path, metavar="DIR", help="a finished run, or published samples")
    add("--language-tool", metavar="URL", help="a server that grades texts; default: started here")
    add_out(parser, "write the run as it is graded now into this folder")


def perform(options: argparse.Namespace) -> None:
    """Grades, prints what changed, and writes."""
    if (options.folder / RUN).is_file():
        _grade_run(options)
    else:
        _calibrate(options)


def _grade_run(options: argparse.Namespace) -> None:
    grammar = _grammar(options, [asked["task"] for asked in read_questions(options.folder)])
    results, agreements = regrade.regrade(options.folder, grammar)
    _show(agreements, grammar)
    if options.out is not None:
        regrade.write_regraded(options.folder, results, grammar, options.out)
        print(f"{options.out}: written")


def _calibrate(options: argparse.Namespace) -> None:
    paths = regrade.published(options.folder)
    if not paths:
        raise ValueError(
            f"grade: {options.folder} must hold {RUN} or samples_parallelbench_*.jsonl, got neither"
        )
    if options.out is not None:
        raise ValueError("grade: --out is for runs; published samples are only held against")
    grammar = _grammar(options, list(paths))
    _show(regrade.calibrate(paths, grammar), grammar)


def _grammar(options: argparse.Namespace, tasks: Sequence[str]) -> Grammar | None:
    return open_grammar(options.language_tool) if regrade.has_texts(tasks) else None


def _show(agreements: Sequence[Agreement], grammar: Grammar | None) -> None:
    table = Table(title="" if grammar is None else grammar.version, title_justify="left")
    table.add_column("task")
    for column in ("n", "before", "now", "agree"):
        table.add_column(column, justify="right")
    table.add_column("graded otherwise", overflow="fold")
    for one in agreements:
        count, changed = len(one.numbers), one.changed
        more = f" and {len(changed) - _NAMED} more" if len(changed) > _NAMED else ""
        table.add_row(
            one.task,
            str(count),
            *(f"{100 * sum(scores) / max(count, 1):.1f}" for scores in (one.before, one.now)),
            f"{100 * (count - len(changed)) / max(count, 1):.1f} %",
            ", ".join(map(str, changed[:_NAMED])) + more,
        )
    Console().print(table)


COMMAND = Command(
    "grade", "answers graded once more, or published grades checked", EXAMPLES, add, perform
)
