"""Which rules a run compares, each with its options: named ones, sweeps, published grids."""

import contextlib
import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import dllm
from benchmarks.leaderboard.methods import BLOCK, METHODS, Method, of_rule
from dllm.caches import KINDS
from dllm.canvas import Layout, blocks
from dllm.rules import parse_sets

ALL = "leaderboard"
"""Stands for every method of the leaderboard."""
DRAFTS, CACHE = "drafts", "cache"
LOOP = (BLOCK, DRAFTS, CACHE)
"""Options of every rule: how its rows are decoded."""


class Setting(NamedTuple):
    """A rule with its options, those of `LOOP` among them."""

    rule: str
    options: dict[str, Any]
    scheduler: dllm.Scheduler

    @property
    def block(self) -> int | None:
        """Positions a block; `None` is all of an answer."""
        return self.options.get(BLOCK)

    @property
    def drafts(self) -> int:
        """Guessed canvases a forward."""
        return self.options.get(DRAFTS, 1)

    @property
    def cache(self) -> str:
        """What is kept between forwards."""
        return self.options.get(CACHE, "none")

    @property
    def name(self) -> str:
        """What tables and files call it."""
        return name_of(self.rule, self.options)


def name_of(rule: str, options: Mapping[str, Any]) -> str:
    """A setting as one text: `threshold threshold=0.9`."""
    return " ".join([rule, *(f"{key}={value}" for key, value in options.items())])


@contextlib.contextmanager
def files_in_words(rules: Sequence[str]) -> Iterator[None]:
    """What is wrong with a user's file of rules becomes a ValueError that names it."""
    files = [part for rule in rules for part in rule.split("+") if ".py:" in part]
    try:
        yield
    except (TypeError, ImportError) as error:
        if not files:  # a mistake of ours
            raise
        told = " ".join(str(error).split())
        named = any(part.rpartition(":")[0] in told for part in files)
        raise ValueError(told if named else f"{', '.join(files)}: {told}") from error


def cut(layout: Layout, block: int | None) -> Layout:
    """A layout in blocks of so many positions, as a setting has it; `None` is all of an answer."""
    if block is None:
        return layout
    return layout._replace(blocks=blocks(layout.prompt, len(layout.ids) - layout.prompt, block))


class Chosen(NamedTuple):
    """The settings of a run, and why others are not among them."""

    settings: list[Setting]
    left_out: list[str]


def choose_settings(
    rules: Sequence[str | dllm.Scheduler],
    sets: Sequence[str] = (),
    *,
    published: bool = False,
    ids: Mapping[str, Any] | None = None,
) -> Chosen:
    """Settings in order.

    Args:
        rules: names as `dllm.rule` takes them, or rules.
        sets: `key=v1,v2` each: every combination of the values for every rule that knows the key;
            `block_length`, `drafts` and `cache` are for all of them.
        published: take each rule over the leaderboard's grid; `leaderboard` is all of them.
        ids: special tokens of the model.

    Raises:
        ValueError: no such rule or option, options beside a published grid, a setting twice.
    """
    if published and sets:
        raise ValueError(f"--sweep: the grids are published ones; leave out --set {sets[0]}")
    if ALL in rules and not published:
        raise ValueError(f"--scheduler: {ALL} stands for published grids; add --sweep")
    if published:
        methods, left_out = _methods(rules)
        settings = [setting for method in methods for setting in _grid(method, ids)]
    else:
        left_out, settings = [], _sweep(rules, sets, ids)
    _refuse_twice(settings)
    return Chosen(settings, left_out)


def _sweep(
    rules: Sequence[str | dllm.Scheduler], sets: Sequence[str], ids: Mapping[str, Any] | None
) -> list[Setting]:
    values = parse_sets(sets)
    _refuse_ways(values)
    told = [key for key in LOOP if key in values]
    ways = [
        dict(zip(told, way, strict=True))
        for way in itertools.product(*(values[key] for key in told))
    ]
    own = [text for text in sets if text.partition("=")[0].strip() not in LOOP]
    texts = [rule for rule in rules if isinstance(rule, str)]
    with files_in_words(texts):
        choices = dllm.sweep(texts, own, ids=ids) if texts or own else []
    made = [Setting(repr(rule), {}, rule) for rule in rules if not isinstance(rule, str)]
    return [
        Setting(rule, {**options, **way}, scheduler)
        for rule, options, scheduler in [*choices, *made]
        for way in ways
    ]


def _methods(rules: Sequence[str | dllm.Scheduler]) -> tuple[list[Method], list[str]]:
    named: list[Method] = []
    for rule in rules:
        if not isinstance(rule, str):
            raise ValueError(f"--sweep: published grids go by the names of rules, got {rule!r}")
        named += METHODS if rule == ALL else [of_rule(rule)]
    ready = [method for method in named if not method.missing]
    return ready, [f"{method.site}: {method.missing}" for method in named if method.missing]


def _grid(method: Method, ids: Mapping[str, Any] | None) -> list[Setting]:
    values = ",".join(map(str, method.grid))
    return _sweep([method.rule], [f"{method.option}={values}"], ids)


def _refuse_ways(values: Mapping[str, Sequence[Any]]) -> None:
    for key in (BLOCK, DRAFTS):
        for value in values.get(key, ()):
            if type(value) is not int or value < 1:
                raise ValueError(f"--set: {key} must be a whole number from 1 on, got {value!r}")
    for value in values.get(CACHE, ()):
        if value not in KINDS:
            raise ValueError(f"--set: {CACHE} must be one of {', '.join(KINDS)}, got {value!r}")


def _refuse_twice(settings: Sequence[Setting]) -> None:
    names = [setting.name for setting in settings]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"scheduler: each setting may be run once, got {name!r} twice")
