"""Regions of made-up C++ programs filled from random logits: validity, and what a step costs."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.grammar.decodes import members_of
from benchmarks.grammar.programs import CODE, Cutter, program, with_regions
from benchmarks.grammar.tallies import read_tally, write_tally
from benchmarks.grammar.vocabulary import made_vocabulary
from grammar import MASK, Grammar, compile_grammar, completable, lark_grammar, shipped
from grammar.general.lattice import Lattice

FORWARD_MS = 40.0
"""What a forward is taken to last; masks are made meanwhile."""

STEPS = 16
"""Steps of a decode, over all its regions."""

REGIONS = (1, 2, 3)
"""Regions of a program, by turns."""

SAVED = 10
"""After so many decodes what was found is written down."""


_NOTHING = {"decodes": 0, "invalid": 0, "stuck": 0, "steps": 0}
"""Counts of no decode."""


class _Step(NamedTuple):
    """What a step took, in milliseconds."""

    masks: float
    keep: float


def measure_infilling(
    size: int, number: int, active: int, region: int, path: Path | None = None, seed: int = 0
) -> dict[str, Any]:
    """Decodes `number` programs with one to three regions of `region` tokens each.

    What is written is checked by another algorithm. `share` is the time of a decode whose masks are
    made while a forward runs, by that of one without a grammar.

    Args:
        size: Tokens of the vocabulary.
        number: Programs, over all calls.
        active: Classes of tokens that a hole is filled from.
        region: Tokens of a region.
        path: A file of what came of the programs; those that it tells of are not done again. Times
            are of this call alone.
        seed: Of all that is drawn.

    Raises:
        ValueError: the file tells of programs of another kind.
    """
    setting = {"vocabulary": size, "active": active, "region": region, "seed": seed}
    tallies = read_tally(path, "programs", setting).get("regions", {})
    counts = {n: tallies.get(str(n), _NOTHING) for n in REGIONS}
    grammar = lark_grammar(shipped("cpp"))
    vocabulary = made_vocabulary(size, texts=CODE)
    begun = time.process_time()
    compiled = compile_grammar(grammar, vocabulary)
    assert isinstance(compiled, Lattice)
    language = compiled.with_active(active)
    compiled_s = time.process_time() - begun
    members, cut = members_of(language), Cutter(vocabulary)
    language.masks(with_regions(cut(program(seed)), 1, 2, np.random.default_rng(seed)))
    times: dict[int, list[list[_Step]]] = {n: [] for n in REGIONS}
    for decode in range(sum(own["decodes"] for own in counts.values()), number):
        rng, regions = np.random.default_rng([seed, decode]), REGIONS[decode % len(REGIONS)]
        canvas = with_regions(cut(program(seed + decode)), regions, region, rng)
        found, steps = _decode(grammar, language, members, canvas, rng)
        times[regions].append(steps)
        counts[regions] = {name: counts[regions][name] + found[name] for name in _NOTHING}
        if (decode + 1) % SAVED == 0 or decode + 1 == number:
            write_tally(path, "programs", setting | {"regions": counts})
    return {
        "language": "cpp",
        "compile_s": compiled_s,
        "classes": language.num_classes,
        "active": active,
        "region": region,
        "regions": {n: counts[n] | _times(times[n]) for n in REGIONS},
    }


def _decode(
    grammar: Grammar,
    language: Lattice,
    members: list[np.ndarray],
    canvas: list[int],
    rng: np.random.Generator,
) -> tuple[dict[str, int], list[_Step]]:
    """What came of one program, by the names of `_NOTHING`, and its steps."""
    steps: list[_Step] = []
    filled = _fill(language, members, canvas, rng, steps)
    text = b"".join(map(language.vocabulary.written, filled or ())).decode(errors="replace")
    invalid = filled is not None and not completable(grammar, [text])
    found = {"decodes": 1, "invalid": int(invalid), "stuck": int(filled is None)}
    return found | {"steps": len(steps)}, steps


def _times(decodes: Sequence[Sequence[_Step]]) -> dict[str, Any]:
    """Quantiles of what steps took, and the share of the forwards' time that they come to."""
    steps = [step for own in decodes for step in own]
    if not steps:
        return {}
    waits = [max(FORWARD_MS, masks) + keep for masks, keep in steps]
    return {
        "first_step_ms": _quantiles([own[0].masks for own in decodes if own]),
        "step_ms": _quantiles([step.masks for step in steps]),
        "keep_ms": _quantiles([step.keep for step in steps]),
        "share": float(np.mean(waits) / FORWARD_MS),
    }


def _quantiles(values: Sequence[float]) -> dict[str, float]:
    found = np.quantile(values, [0.5, 0.9, 1.0]).tolist()
    return dict(zip(("p50", "p90", "max"), found, strict=True))


def _fill(
    language: Lattice,
    members: list[np.ndarray],
    canvas: list[int],
    rng: np.random.Generator,
    steps: list[_Step],
) -> list[int] | None:
    """The canvas filled in about `STEPS` steps, or None if a step changed nothing."""
    writes = -(-canvas.count(MASK) // STEPS)
    while MASK in canvas:
        begun = time.thread_time()
        answer = language.masks(canvas)
        masks = 1e3 * (time.thread_time() - begun)
        after = list(canvas)
        holes = [position for position, token in enumerate(canvas) if token == MASK]
        for position in rng.permutation(holes)[:writes]:
            alive = np.flatnonzero(answer.classes[position])
            if not len(alive):
                return None
            after[position] = int(rng.choice(members[rng.choice(alive)]))
        begun = time.thread_time()
        kept = (
            language.keep(canvas, after, rng.random(len(canvas)).tolist())
            if (writes > 1)
            else after
        )
        steps.append(_Step(masks, 1e3 * (time.thread_time() - begun)))
        if kept == canvas:
            return None
        canvas = kept
    return canvas
