"""Time of everything after the logits, as a multiple of one argmax over them.

A stand-in for a model hands out the same logits at every forward, so that what is left of a step
is the reading, the rule and the loop. The physics: `[batch, window, vocab]` float32 is read once at
the least, by one argmax too. Both are measured in the same run, taking turns.
"""

import platform
import statistics
import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float, Int
from rich.console import Console
from rich.table import Table

import dllm
from dllm.decode import advance, begin_rows, plan_program

PLAIN = ("confidence", "entropy", "margin", "random", "left_to_right", "threshold", "factor")


@dllm.part
class Still:
    """Answers every canvas with the same logits."""

    values: ArrayLike
    """`[rows, window, vocab]`."""

    def logits(
        self, canvas: Int[Array, "rows length"], start: Int[Array, " rows"], window: int
    ) -> Float[Array, "rows window vocab"]:
        """See `dllm.Denoiser`."""
        del canvas, start, window
        return jnp.asarray(self.values)


def measure(
    batch: int, window: int, vocab: int, drafts: int, repeats: int, schedulers: list[str]
) -> dict[str, Any]:
    """Medians in milliseconds, printed and returned."""
    model = Still(jax.random.normal(jax.random.key(0), (batch * drafts, window, vocab)))
    argmax = jax.jit(lambda model: jnp.argmax(model.values, axis=-1))
    table = Table("scheduler", "argmax ms", "step ms", "step / argmax")
    figures = {}
    for name in schedulers:
        plain, step = _alternate(
            [lambda: argmax(model), _step(name, model, batch, window, drafts)], repeats
        )
        figures[name] = {"argmax_ms": plain, "step_ms": step, "ratio": step / plain}
        table.add_row(name, f"{plain:.1f}", f"{step:.1f}", f"{step / plain:.2f}")
    Console().print(table)
    return {
        "shape": [batch * drafts, window, vocab],
        "drafts": drafts,
        "device": jax.devices()[0].device_kind,
        "machine": platform.machine(),
        "jax": jax.__version__,
        "schedulers": figures,
    }


def _step(name: str, model: Still, batch: int, window: int, drafts: int) -> Callable[[], Any]:
    """One `advance` of fresh rows."""
    rows = dllm.rows([[1, 2]] * batch, window)
    scheduler = dllm.rule(name)
    settings = plan_program(rows, scheduler, drafts)
    start = begin_rows(scheduler, settings, window, rows)
    return lambda: advance(model, dllm.Proposal(), None, scheduler, start, settings=settings)


def _alternate(calls: list[Callable[[], Any]], repeats: int) -> list[float]:
    """Median milliseconds of each call; they take turns, so that a slow moment hits them all."""
    for call in calls:
        jax.block_until_ready(call())
    taken: list[list[float]] = [[] for _ in calls]
    for _ in range(repeats):
        for call, times in zip(calls, taken, strict=True):
            begun = time.perf_counter()
            jax.block_until_ready(call())
            times.append(1e3 * (time.perf_counter() - begun))
    return [statistics.median(times) for times in taken]
