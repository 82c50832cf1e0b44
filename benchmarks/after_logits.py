"""Time of everything after the logits, as a multiple of one argmax over them.

A stand-in for a model hands out the same logits at every forward, so that what is left of a step
is the reading, the rule and the loop. The physics: `[batch, window, vocab]` float32 is read once at
the least, by one argmax too. Both are measured in the same run, taking turns, and the least of
several turns counts. A rule with hindsight is handed the logits of a shadow too, and held against
one argmax over both.

A rule may take 1.3 times an argmax, one that works on whole distributions 4 times.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Bool, Float, Int
from rich.console import Console
from rich.progress import track
from rich.table import Table

import dllm
from benchmarks import machine
from benchmarks.runner.settings import files_in_words
from dllm.decode import advance, begin_rows, plan_program
from dllm.learn2pd.training import first_filter
from samplers.parts import needs

BAR, BAR_OF_DISTRIBUTIONS = 1.3, 4.0
EOS = 3
"""Told to rules that ask for it; the value does not matter."""
LEAST_VOCAB = EOS + 1


@dllm.part
class Still:
    """Answers every canvas with the same logits."""

    values: ArrayLike
    """`[rows, window, vocab]`."""
    shadow: ArrayLike | None = None
    """The same of the window's shadow."""

    def logits(
        self, canvas: Int[Array, "rows length"], start: Int[Array, " rows"], window: int
    ) -> Float[Array, "rows window vocab"]:
        """See `dllm.Denoiser`."""
        del canvas, start, window
        return jnp.asarray(self.values)

    def review(
        self,
        canvas: Int[Array, "rows length"],
        start: Int[Array, " rows"],
        window: int,
        shadowed: Bool[Array, "rows window"],
    ) -> tuple[Float[Array, "rows window vocab"], Float[Array, "rows window vocab"]]:
        """See `dllm.Reviewing`."""
        del canvas, start, window, shadowed
        return jnp.asarray(self.values), jnp.asarray(self.shadow)


def measure(
    batch: int, window: int, vocab: int, drafts: int, repeats: int, schedulers: list[str]
) -> dict[str, Any]:
    """The least milliseconds of several turns, printed and returned."""
    shape = (batch * drafts, window, vocab)
    values, shadow = jax.random.normal(jax.random.key(0), (2, *shape))
    argmax = jax.jit(lambda model: jax.tree.map(lambda leaf: jnp.argmax(leaf, axis=-1), model))
    table = Table("scheduler", "argmax ms", "step ms", "step / argmax", "bar", "")
    figures = {}
    # What some rules have no default for; the values do not matter here.
    ids = {"vocab": vocab, "eos": EOS, "answer_start": 0, "filter": first_filter(window)}
    for name in track(schedulers, "after logits", console=Console(stderr=True), transient=True):
        with files_in_words([name]):
            rule = dllm.rule(name, ids=ids)
        wants = needs(rule)
        model = Still(values, shadow if "hindsight" in wants else None)
        plain, step = _alternate(
            [partial(argmax, model), _step(rule, model, batch, window, drafts)], repeats
        )
        bar = BAR_OF_DISTRIBUTIONS if "log_probs" in wants else BAR
        ratio = step / plain
        figures[name] = {"argmax_ms": plain, "step_ms": step, "ratio": ratio, "bar": bar}
        verdict = "" if ratio <= bar else "missed"
        table.add_row(name, f"{plain:.1f}", f"{step:.1f}", f"{ratio:.2f}", f"{bar}", verdict)
    Console().print(table)
    return {
        "shape": list(shape),
        "drafts": drafts,
        "repeats": repeats,
        **machine.description(),
        "schedulers": figures,
    }


def _step(
    scheduler: dllm.Scheduler, model: Still, batch: int, window: int, drafts: int
) -> Callable[[], Any]:
    """One `advance` of fresh rows."""
    rows = dllm.rows([[]] * batch, window)
    settings = plan_program(rows, scheduler, drafts)
    start = begin_rows(scheduler, settings, window, rows)
    return lambda: advance(model, dllm.Proposal(), None, scheduler, start, settings=settings)


def _alternate(calls: list[Callable[[], Any]], repeats: int) -> list[float]:
    """The least milliseconds of each call; they take turns, so that a slow moment hits them all."""
    for call in calls:
        jax.block_until_ready(call())
    taken: list[list[float]] = [[] for _ in calls]
    for _ in range(repeats):
        for call, times in zip(calls, taken, strict=True):
            times.append(machine.milliseconds(call))
    return [min(times) for times in taken]
