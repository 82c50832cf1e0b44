"""The loop: one jitted program that denoises a batch of canvases.

Ask and tell: every row holds `drafts`, the canvases it wants looked at; one forward looks at all
of them (`dllm.forward`); then each row takes its true steps (`dllm.drafts`, `dllm.row`). With one
draft that is plain decoding. A row that has ended is frozen and no longer counted.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from dllm.canvas import Rows
from dllm.drafts import settle
from dllm.forward import Constraint, Denoiser, Headed, look
from dllm.propose import Proposal
from dllm.row import Outcome, Row, Settings, begin, select
from samplers import Scheduler
from samplers.parts import needs, refuse_untraceable

WhileLoop = Callable[..., Any]
"""Has the interface of `jax.lax.while_loop`."""

NEVER = 2**31 - 1


class Leave(NamedTuple):
    """When the loop comes back to its caller. Data: changing it compiles nothing."""

    running: Int[Array, ""] | int = 0
    """At most so many rows still run."""
    forwards: Int[Array, ""] | int = NEVER
    """So many forwards were made."""
    block: Int[Array, " batch"] | int = NEVER
    """Some row has come to this block, or to its own of these."""


class Decoded(NamedTuple):
    """What came of a batch of rows."""

    canvas: Int[Array, "batch length"]
    outcome: Int[Array, " batch"]
    """An `Outcome` a row."""
    forwards: Int[Array, " batch"]
    """Model calls the row took part in while unfinished (the field's NFE)."""
    evaluations: Int[Array, " batch"]
    """Forwards times drafts: what drafting costs."""
    steps: Int[Array, " batch"]
    """True steps taken."""
    calls: Int[Array, "batch kinds"]
    """Forwards by `dllm.row.Kind`."""
    trajectory: Int[Array, "batch record length"]
    """With `record=n`: the canvas before each of the first n steps."""
    log_probs: Float[Array, "batch length"]
    """Log-probability of each written token at the step it was written; NaN where the rule wrote a
    token that the model did not propose there, 0 where nothing was written."""
    log: Int[Array, "batch record 4"]
    """With `record=n`: each of the first n calls as (kind, start, length, stored)."""


def decode(
    model: Denoiser | Headed,
    rows: Rows,
    scheduler: Scheduler,
    proposal: Proposal = Proposal(),  # noqa: B008  (frozen)
    *,
    constraint: Constraint | None = None,
    num_drafts: int = 1,
    ends: Sequence[int] = (),
    reference_calls: bool = False,
    max_steps: int = 4096,
    record: int = 0,
    while_loop: WhileLoop = jax.lax.while_loop,
) -> Decoded:
    """Decodes a batch of rows to their end in one compiled program.

    `num_drafts` guesses are looked at together in every forward; tokens never depend on it. A row
    whose answer holds a token of `ends` when a block is left ends there: in block-wise rules later
    blocks could not change what stands before it. `reference_calls` spends the forwards that the
    published code spends where it could have left a block earlier (LLaDA's and Dream's fixed
    schedules). `while_loop=python_while_loop` runs the same steps from Python.

    Hyper-parameters, seeds, the bounds of blocks and `max_steps` are data. Shapes, the length of
    the longest block and the other keyword arguments recompile.
    """
    settings = plan_program(
        rows,
        scheduler,
        num_drafts,
        ends=ends,
        reference_calls=reference_calls,
        record=record,
    )
    start = begin_rows(scheduler, settings, max_steps, rows)
    runner = (
        run_compiled if while_loop is jax.lax.while_loop else partial(run, while_loop=while_loop)
    )
    ended, _ = runner(model, proposal, constraint, scheduler, start, Leave(), settings=settings)
    return result(ended, settings)


def plan_program(
    rows: Rows,
    scheduler: Scheduler,
    num_drafts: int = 1,
    *,
    ends: Sequence[int] = (),
    reference_calls: bool = False,
    record: int = 0,
) -> Settings:
    """Checks the arguments of a decode and fixes what its program is compiled for."""
    refuse_below("decode", num_drafts=(num_drafts, 1), record=(record, 0))
    refuse_foreign_scheduler(scheduler)
    length = rows.canvas.shape[1]
    bounds = np.asarray(rows.blocks)
    if bounds.min() < 0 or bounds.max() > length or np.any(bounds[..., 0] > bounds[..., 1]):
        raise ValueError(
            f"decode: blocks must be bounds 0 <= start <= end <= {length}, got {bounds.tolist()}"
        )
    longest = int(np.max(bounds[..., 1] - bounds[..., 0]))
    window = length if "canvas" in needs(scheduler) else longest
    if window < 1:
        raise ValueError("decode: blocks must hold at least one position, got none")
    return Settings(num_drafts, window, reference_calls, tuple(ends), record)


def refuse_below(owner: str, **numbers: tuple[int, int]) -> None:
    """Raises unless every value reaches its least: `name=(value, least)`."""
    for name, (value, least) in numbers.items():
        if value < least:
            raise ValueError(f"{owner}: {name} must be at least {least}, got {value}")


def refuse_foreign_scheduler(scheduler: Any) -> None:
    """Raises unless it has the method of a scheduler and can be traced."""
    if not isinstance(scheduler, Scheduler):
        raise TypeError(
            f"decode: scheduler must have a method update (see dllm.scheduler), got {scheduler!r}"
        )
    refuse_untraceable("decode: scheduler", scheduler)


def begin_rows(scheduler: Scheduler, settings: Settings, max_steps: int, rows: Rows) -> Row:
    """The carry of fresh rows."""
    refuse_below("decode", max_steps=(max_steps, 1))
    return _begin(scheduler, settings, jnp.int32(max_steps), rows)


@partial(jax.jit, static_argnames="settings")
def _begin(scheduler: Scheduler, settings: Settings, limit: Int[Array, ""], rows: Rows) -> Row:
    return jax.vmap(partial(begin, scheduler, settings, limit))(rows)


@partial(jax.jit, static_argnames="settings")
def advance(
    model: Denoiser | Headed,
    proposal: Proposal,
    constraint: Constraint | None,
    scheduler: Scheduler,
    rows: Row,
    *,
    settings: Settings,
) -> Row:
    """One forward for all rows and the steps that follow from it."""
    predictions = look(model, proposal, constraint, needs(scheduler), settings, rows)
    tell = partial(settle, scheduler, settings, proposal.greedy)
    moved = jax.vmap(tell)(rows, predictions)
    return jax.vmap(select)(rows.outcome == Outcome.RUNNING, moved, rows)


def run(
    model: Denoiser | Headed,
    proposal: Proposal,
    constraint: Constraint | None,
    scheduler: Scheduler,
    rows: Row,
    leave: Leave,
    *,
    settings: Settings,
    while_loop: WhileLoop = jax.lax.while_loop,
) -> tuple[Row, Int[Array, ""]]:
    """Advances until it is time to leave; also says how many forwards that took."""

    def going(carry: tuple[Row, Array]) -> Array:
        rows, forwards = carry
        running = rows.outcome == Outcome.RUNNING
        arrived = jnp.any(running & (rows.block >= leave.block))
        return (jnp.sum(running) > leave.running) & (forwards < leave.forwards) & ~arrived

    def body(carry: tuple[Row, Array]) -> tuple[Row, Array]:
        rows, forwards = carry
        rows = advance(model, proposal, constraint, scheduler, rows, settings=settings)
        return rows, forwards + 1

    return while_loop(going, body, (rows, jnp.int32(0)))


run_compiled = jax.jit(run, static_argnames="settings")


def python_while_loop(going: Callable[[Any], Any], body: Callable[[Any], Any], carry: Any) -> Any:
    """`jax.lax.while_loop` as a Python loop: for watching, debugging and work on the host."""
    while going(carry):
        carry = body(carry)
    return carry


def result(rows: Row, settings: Settings) -> Decoded:
    """What the caller is told of rows that have ended."""
    return Decoded(
        canvas=rows.canvas,
        outcome=rows.outcome,
        forwards=rows.forwards,
        evaluations=rows.forwards * settings.num_drafts,
        steps=rows.total,
        calls=rows.calls,
        trajectory=rows.trajectory,
        log_probs=rows.log_probs,
        log=rows.log,
    )
