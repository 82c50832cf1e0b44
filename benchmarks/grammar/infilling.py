"""Regions of made-up C++ programs filled from random logits: validity, and what a step costs."""

import time
from typing import Any

import numpy as np

from benchmarks.grammar.decodes import members_of
from benchmarks.grammar.programs import CODE, Cutter, program, with_regions
from benchmarks.grammar.vocabulary import made_vocabulary
from grammar import MASK, compile_grammar, completable, lark_grammar, shipped
from grammar.general.lattice import Lattice

FORWARD_MS = 40.0
"""What a forward is taken to last; masks are made meanwhile."""

STEPS = 16
"""Steps of a decode, over all its regions."""


def measure_infilling(
    size: int, number: int, active: int, region: int, seed: int = 0
) -> dict[str, Any]:
    """Decodes `number` programs with one to three regions of `region` tokens each.

    What is written is checked by another algorithm. `share` is the time of a decode whose masks are
    made while a forward runs, by that of one without a grammar.

    Args:
        size: Tokens of the vocabulary.
        number: Programs.
        active: Classes of tokens that a hole is filled from.
        region: Tokens of a region.
        seed: Of all that is drawn.
    """
    grammar = lark_grammar(shipped("cpp"))
    vocabulary = made_vocabulary(size, texts=CODE)
    begun = time.process_time()
    compiled = compile_grammar(grammar, vocabulary)
    assert isinstance(compiled, Lattice)
    language = compiled.with_active(active)
    told: dict[str, Any] = {
        "language": "cpp",
        "compile_s": time.process_time() - begun,
        "classes": language.num_classes,
        "active": active,
    }
    members, cut = members_of(language), Cutter(vocabulary)
    language.masks(with_regions(cut(program(seed)), 1, 2, np.random.default_rng(seed)))
    passes: list[float] = []
    extra: list[float] = []
    invalid = stuck = 0
    for decode in range(number):
        rng = np.random.default_rng([seed, decode])
        canvas = with_regions(cut(program(seed + decode)), 1 + decode % 3, region, rng)
        filled = _fill(language, members, canvas, rng, passes, extra)
        stuck += filled is None
        if filled is not None:
            text = b"".join(map(vocabulary.written, filled)).decode(errors="replace")
            invalid += not completable(grammar, [text])
    quantiles = np.quantile(passes, [0.5, 0.9, 1.0]) if passes else np.zeros(3)
    waits = [max(FORWARD_MS, own) + more for own, more in zip(passes, extra, strict=True)]
    told |= {
        "decodes": number,
        "invalid": invalid,
        "stuck": stuck,
        "step_ms": dict(zip(("p50", "p90", "max"), quantiles.tolist(), strict=True)),
        "share": float(np.mean(waits) / FORWARD_MS) if waits else 1.0,
    }
    return told


def _fill(
    language: Lattice,
    members: list[np.ndarray],
    canvas: list[int],
    rng: np.random.Generator,
    passes: list[float],
    extra: list[float],
) -> list[int] | None:
    """The canvas filled in about `STEPS` steps, or None if a step changed nothing."""
    writes = -(-canvas.count(MASK) // STEPS)
    while MASK in canvas:
        begun = time.thread_time()
        answer = language.masks(canvas)
        passes.append(1e3 * (time.thread_time() - begun))
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
        extra.append(1e3 * (time.thread_time() - begun))
        if kept == canvas:
            return None
        canvas = kept
    return canvas
