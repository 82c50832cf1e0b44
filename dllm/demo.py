"""Watch a toy canvas fill under several schedulers: `python -m dllm.demo --help`."""

import argparse
import time
from typing import NamedTuple

import numpy as np
from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

import dllm
from dllm.toy import Language

EXAMPLES = """\
examples:
  python -m dllm.demo
  python -m dllm.demo --scheduler left_to_right --scheduler random --set tokens=4
  python -m dllm.demo --scheduler threshold --set threshold=0.3,0.6,0.9 --drafts 4
  python -m dllm.demo --scheduler mine.py:Rule --seed 3

The language is a Markov chain of English words and the toy denoiser knows it exactly: every word
it proposes is likely in its place. Words shown in red do not fit their neighbour on the left; they
were written in one step with it, by a rule that asked for too much at once.
"""
DEFAULT = ("confidence", "threshold", "random")
DEFAULT_OPTIONS = {"threshold": {"threshold": 0.4}, "random": {"tokens": 4}}


class Film(NamedTuple):
    """One scheduler's decode, frame by frame."""

    title: str
    frames: np.ndarray
    """`[steps + 1, length]`: the canvas before each step, then the last one."""
    forwards: int
    evaluations: int
    outcome: str


def main(arguments: list[str] | None = None) -> None:
    """The demo's command line."""
    parser = _parser()
    options = parser.parse_args(arguments)
    language = dllm.toy.sentences()
    try:
        films = [_shoot(language, title, rule, options) for title, rule in _rules(options)]
    except (ValueError, TypeError, ImportError, FileNotFoundError) as error:
        parser.error(str(error))
    console = Console(width=options.width)
    if console.is_terminal and options.delay > 0:
        _play(console, language, films, options.delay)
    else:
        console.print(_scene(language, films, max(len(film.frames) for film in films) - 1))
    console.print(_table(language, films))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m dllm.demo",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--scheduler", action="append", metavar="RULE", help="a rule to show; may be repeated")
    add("--set", action="append", default=[], metavar="KEY=V1,V2", help="options of the rules")
    add("--drafts", type=int, default=1, help="guessed canvases a forward (default 1)")
    add("--length", type=int, default=32, help="words to write, 1 to 56 (default 32)")
    add("--block", type=int, help="words a block (default: one block)")
    add("--temperature", type=float, default=1.0, help="0 takes the likeliest (default 1)")
    add("--seed", type=int, default=0)
    add("--delay", type=float, default=0.25, help="seconds a step; 0 shows the end only")
    add("--width", type=int, help="columns of the picture (default: the terminal's)")
    return parser


def _rules(options: argparse.Namespace) -> list[tuple[str, dllm.Scheduler]]:
    if options.scheduler:
        return [
            (_title(choice.text, choice.options), choice.scheduler)
            for choice in dllm.sweep(options.scheduler, options.set)
        ]
    if options.set:
        raise ValueError("--set needs --scheduler")
    return [
        (
            _title(name, DEFAULT_OPTIONS.get(name, {})),
            dllm.rule(name, **DEFAULT_OPTIONS.get(name, {})),
        )
        for name in DEFAULT
    ]


def _title(text: str, options: dict[str, object]) -> str:
    return " ".join([text, *(f"{key}={value}" for key, value in options.items())])


def _shoot(
    language: Language, title: str, rule: dllm.Scheduler, options: argparse.Namespace
) -> Film:
    if not 1 <= options.length <= 56:
        raise ValueError(f"--length must be in [1, 56], got {options.length}")
    stop = language.words.index(".")
    rows = dllm.rows([[stop]], options.length, options.block, seed=options.seed)
    ended = dllm.decode(
        language.denoiser,
        rows,
        rule,
        dllm.Proposal(temperature=options.temperature),
        num_drafts=options.drafts,
        record=4 * options.length,
    )
    steps = int(ended.steps[0])
    frames = np.concatenate([ended.trajectory[0, :steps], ended.canvas])[:, 1:]
    outcome = dllm.Outcome(int(ended.outcome[0])).name.lower().replace("_", " ")
    return Film(title, frames, int(ended.forwards[0]), int(ended.evaluations[0]), outcome)


def _play(console: Console, language: Language, films: list[Film], delay: float) -> None:
    with Live(console=console, auto_refresh=False) as live:
        for step in range(max(len(film.frames) for film in films)):
            live.update(_scene(language, films, step), refresh=True)
            time.sleep(delay)


def _scene(language: Language, films: list[Film], step: int) -> Group:
    return Group(*(_panel(language, film, step) for film in films))


def _panel(language: Language, film: Film, step: int) -> Panel:
    at = min(step, len(film.frames) - 1)
    canvas, before = film.frames[at], film.frames[max(at - 1, 0)]
    broken = language.broken(canvas)
    text = Text()
    for token, old, bad in zip(canvas, before, broken, strict=True):
        fresh = token != old and at == step
        style = "bold red" if bad else "bold green" if fresh else "dim" if token < 0 else ""
        text.append("·" if token < 0 else language.words[token], style)
        text.append(" ")
    state = "done" if at == len(film.frames) - 1 else f"step {at}"
    return Panel(text, title=film.title, subtitle=state, title_align="left", subtitle_align="right")


def _table(language: Language, films: list[Film]) -> Table:
    table = Table("scheduler", "forwards", "evaluations", "words a forward", "misfits", "outcome")
    for film in films:
        final = film.frames[-1]
        rate = len(final) / film.forwards
        misfits = int(language.broken(final).sum())
        numbers = (film.forwards, film.evaluations, f"{rate:.1f}", misfits, film.outcome)
        table.add_row(film.title, *map(str, numbers))
    return table


if __name__ == "__main__":
    main()
