"""The rules by name: what `threshold`, `entropy+llada` or `factor+early_stop` mean.

Each entry is a function of options that fills some slots of `combine`; those of rules with papers
of their own are in `samplers.entries`. The slots of several entries are joined; a slot filled twice
is a contradiction. Options keep the names their authors gave them.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from samplers.budgets import Dream, Even, Tokens
from samplers.entries import ENTRIES, Slots
from samplers.overrides import EarlyStop
from samplers.scores import Confidence, Entropy, LeftToRight, Margin, Random, Tempered
from samplers.selections import Bernoulli, Factor, Threshold, TopK

_ADD_UP = ("override", "stop")
_WRAPPERS: dict[str, tuple[str, Callable[[], Any]]] = {
    "transform": ("score", Confidence),
    "reselect": ("select", TopK),
}
"""Slots that are put around what another slot holds, and what that is if nobody fills it."""


def confidence(tokens: int | None = None) -> Slots:
    """The surest tokens first, `tokens` a step (default 1)."""
    return {"score": Confidence(), **_budget(tokens)}


def entropy(tokens: int | None = None) -> Slots:
    """The lowest entropy first, `tokens` a step (default 1)."""
    return {"score": Entropy(), **_budget(tokens)}


def margin(tokens: int | None = None) -> Slots:
    """The widest margin between the two likeliest tokens first, `tokens` a step (default 1)."""
    return {"score": Margin(), **_budget(tokens)}


def random(tokens: int | None = None) -> Slots:
    """Positions in random order, `tokens` a step (default 1)."""
    return {"score": Random(), **_budget(tokens)}


def left_to_right(tokens: int | None = None) -> Slots:
    """The leftmost positions first, `tokens` a step (default 1)."""
    return {"score": LeftToRight(), **_budget(tokens)}


def threshold(threshold: float = 0.9) -> Slots:
    """Every token of at least this confidence, and always the surest (Fast-dLLM)."""
    return {"select": Threshold(threshold)}


def factor(factor: float = 1.0) -> Slots:
    """As many tokens as the bound (n + 1)(1 - c) <= factor lets through (Fast-dLLM)."""
    return {"select": Factor(factor)}


def factor_published(factor: float = 1.0) -> Slots:
    """`factor` with the off-by-one of the published code (dInfer, ParallelBench)."""
    return {"select": Factor(factor, last="free")}


def llada(steps: int = 128, reach: str = "block") -> Slots:
    """LLaDA's even schedule: `steps` for the whole answer, shared out over its blocks.

    The published sampler also writes undecided positions of the prompt: `reach="before"`.
    """
    return {"budget": Even(steps), "reach": reach}


def dream(steps: int = 512, eps: float = 1e-3, blocks: int = 1, alg_temp: float = 0.0) -> Slots:
    """Dream's schedule; join it with a score: `entropy+dream`, `margin+dream`, `confidence+dream`.

    `steps` are spent on `blocks` blocks together: give the number of blocks of a row that has more
    than one. `alg_temp` > 0 draws the positions at random instead of taking the best.
    """
    slots: Slots = {"budget": Dream.of(steps, eps, blocks)}
    return {**slots, "transform": partial(Tempered, temperature=alg_temp)} if alg_temp else slots


def origin(steps: int = 512, eps: float = 1e-3, blocks: int = 1) -> Slots:
    """Dream's `origin`: every position decides by itself, with the schedule's probability.

    It looks at no score and joins none. `steps` and `blocks` are those of `dream`.
    """
    schedule = Dream.of(steps, eps, blocks)
    return {"budget": schedule, "select": Bernoulli(schedule)}


def early_stop(eos: int) -> Slots:
    """Fills up with end-of-text after the first end-of-text token, which ends the row early."""
    return {"override": EarlyStop(eos)}


RULES: dict[str, Callable[..., Slots]] = {
    "confidence": confidence,
    "entropy": entropy,
    "margin": margin,
    "random": random,
    "left_to_right": left_to_right,
    "threshold": threshold,
    "factor": factor,
    "factor_published": factor_published,
    "llada": llada,
    "dream": dream,
    "origin": origin,
    "early_stop": early_stop,
    **ENTRIES,
}


def join(entries: dict[str, Slots]) -> Slots:
    """The slots of several named entries as arguments of `combine`.

    Overrides, stops and what is put around a score or a selection add up in order; any other slot
    may be filled once.
    """
    joined: Slots = {}
    around: list[tuple[str, Callable[..., Any]]] = []
    filled_by: dict[str, str] = {}
    for name, slots in entries.items():
        for slot, part in slots.items():
            if slot in _ADD_UP:
                joined.setdefault(slot, []).append(part)
            elif slot in _WRAPPERS:
                around.append((slot, part))
            else:
                _refuse_twice(slot, filled_by.setdefault(slot, name), name)
                joined[slot] = part
    for wrapper, wrap in around:
        slot, plain = _WRAPPERS[wrapper]
        joined[slot] = wrap(joined.get(slot, plain()))
    return joined


def _refuse_twice(slot: str, first: str, name: str) -> None:
    if first != name:
        raise ValueError(f"scheduler: {first} and {name} both decide the {slot}; keep one of them")


def _budget(tokens: int | None) -> Slots:
    return {} if tokens is None else {"budget": Tokens(tokens)}
