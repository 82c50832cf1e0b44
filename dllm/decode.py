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
from jaxtyping import Array, Bool, Float, Int

from dllm.caches import KINDS, Cached, Memory, as_cache, due, renewed
from dllm.canvas import Rows
from dllm.drafts import ACCEPTS, DRAFTERS, settle
from dllm.forward import (
    Asking,
    Constraint,
    Denoiser,
    Headed,
    HostConstraint,
    look,
    look_and_remember,
    look_by_memory,
    prefill,
    store,
)
from dllm.propose import Proposal
from dllm.row import Cache, Kind, Outcome, Row, Settings, begin, select
from dllm.sharding.rules import ROWS, memory_sharding, mesh_of, place_rows, share
from dllm.stores import keep, refuse_foreign_blocks
from samplers import Prediction, Scheduler
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
    log: Int[Array, "batch record 6"]
    """With `record=n`: each of the first n calls as (kind, start, length, stored, drafts, steps
    taken before it)."""


def decode(
    model: Denoiser | Headed,
    rows: Rows,
    scheduler: Scheduler,
    proposal: Proposal = Proposal(),  # noqa: B008  (frozen)
    *,
    constraint: Constraint | HostConstraint | None = None,
    cache: str | Cache = "none",
    num_drafts: int = 1,
    accept: str = "exact",
    drafter: str = "own",
    eager: bool = False,
    ends: Sequence[int] = (),
    reference_calls: bool = False,
    max_steps: int = 4096,
    record: int = 0,
    while_loop: WhileLoop = jax.lax.while_loop,
) -> Decoded:
    """Decodes a batch of rows to their end in one compiled program.

    `num_drafts` guesses are looked at together in every forward; tokens never depend on it, nor on
    the `drafter` (`own`, or FreeDave's: `published`, `published_dream`). `accept="subset"`, as
    FreeDave++ has it, also goes on from a draft that holds less than a step wrote, and does change
    tokens. `eager` lets drafts reach into the next blocks (block-causal cache only). A row whose
    answer holds a token of `ends` when a block is left ends there: in block-wise rules later blocks
    could not change what stands before it. `cache` keeps keys and values between forwards
    (`prefix`, `dual`, or a `Cache` that also says how often they are made anew); unlike the other
    options it changes what the model answers, but for `block_causal`, which is exact and for models
    with such attention only. `reference_calls` spends the forwards that the published code spends
    where it could have left a block earlier (LLaDA's and Dream's fixed schedules, Fast-dLLM's first
    look at a block that the full forward filled, FreeDave's at one that a step filled, and what a
    block-causal cache stores of the last block).
    `while_loop=python_while_loop` runs the same steps from Python, as a constraint that is asked on
    the host (`dllm.Languages`) always does.

    Hyper-parameters, seeds, the bounds of blocks and `max_steps` are data. Shapes, the length of
    the longest block and the other keyword arguments recompile.
    """
    settings = plan_program(
        rows,
        scheduler,
        num_drafts,
        accept=accept,
        drafter=drafter,
        eager=eager,
        cache=cache,
        ends=ends,
        reference_calls=reference_calls,
        record=record,
    )
    start = place_rows(mesh_of(model), begin_rows(scheduler, settings, max_steps, rows))
    memory = begin_memory(model, proposal, settings, start)
    fixed = (model, proposal, constraint, scheduler)
    if isinstance(constraint, HostConstraint) or while_loop is jax.lax.while_loop:
        ended, *_ = run_rows(*fixed, start, memory, Leave(), settings=settings)
    else:
        fixed = (model, proposal, constraint, scheduler)
        ended, *_ = run(*fixed, start, memory, Leave(), settings=settings, while_loop=while_loop)
    return result(ended, settings)


def plan_program(
    rows: Rows,
    scheduler: Scheduler,
    num_drafts: int = 1,
    *,
    cache: str | Cache = "none",
    accept: str = "exact",
    drafter: str = "own",
    eager: bool = False,
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
    if longest < 1:
        raise ValueError("decode: blocks must hold at least one position, got none")
    cache = as_cache(cache)
    if cache.kind in ("dual", "block_causal") and "canvas" in needs(scheduler):
        raise ValueError(
            f"decode: cache {cache.kind!r} computes the block alone, but the scheduler reads "
            f"beyond it (needs 'canvas'), got {scheduler!r}"
        )
    if cache.on and "hindsight" in needs(scheduler):
        raise ValueError(
            f"decode: cache {cache.kind!r} keeps nothing of shadows, but the scheduler reads them "
            f"(needs 'hindsight'), got {scheduler!r}"
        )
    refuse_unknown("accept", accept, ACCEPTS)
    refuse_unknown("drafter", drafter, DRAFTERS)
    if eager and cache.kind != "block_causal":
        raise ValueError(
            "decode: eager needs cache 'block_causal', because elsewhere what stands in a later "
            f"block changes what the model says of an earlier one, got cache {cache.kind!r}"
        )
    ahead = -(-num_drafts // longest) if eager else 0
    if ahead:
        window = longest * (1 + ahead)
    first = int(np.min(bounds[..., 0][bounds[..., 1] > bounds[..., 0]]))
    suffix = length - first if cache.kind == "prefix" else 0
    fixed = (num_drafts, window, reference_calls, tuple(ends), record, cache, suffix)
    return Settings(*fixed, accept, drafter, ahead)


def refuse_unknown(name: str, value: str, known: Sequence[str]) -> None:
    """Raises unless the value is one of those known."""
    if value not in known:
        raise ValueError(f"decode: {name} must be one of {', '.join(known)}, got {value!r}")


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


def begin_memory(
    model: Denoiser | Headed, proposal: Proposal, settings: Settings, rows: Row
) -> Memory | None:
    """Room for what a batch keeps between forwards, if it keeps anything.

    Raises:
        TypeError: the model cannot keep anything, or not in this way.
        ValueError: a block-causal cache and blocks that are not the model's own.
    """
    refuse_foreign_blocks(model, settings, rows)
    shapes = memory_shapes(model, proposal, settings, rows)
    return jax.tree.map(
        lambda leaf: jnp.zeros(leaf.shape, leaf.dtype, device=leaf.sharding), shapes
    )


def memory_shapes(
    model: Denoiser | Headed, proposal: Proposal, settings: Settings, rows: Row
) -> Memory | None:
    """What a batch keeps between forwards, as shapes on their devices.

    Raises:
        TypeError: the model cannot keep anything.
    """
    if not settings.cache.on:
        return None
    if not isinstance(model, Cached):
        raise TypeError(
            f"decode: cache {settings.cache.kind!r} needs a model with methods remember and recall "
            f"(see dllm.Cached), got {type(model).__name__}"
        )

    def kept(model: Denoiser | Headed, rows: Row) -> Memory:
        asking = Asking(model, proposal, None, frozenset(), settings)
        return look_and_remember(asking, undrafted(rows))[1]

    mesh = mesh_of(model)
    return jax.tree.map(
        lambda leaf: jax.ShapeDtypeStruct(
            leaf.shape, leaf.dtype, sharding=memory_sharding(mesh, leaf)
        ),
        jax.eval_shape(kept, model, rows),
    )


def undrafted(rows: Row) -> Row:
    """Rows with one draft, their canvas."""
    return rows._replace(drafts=rows.canvas[:, None])


@partial(jax.jit, static_argnames="settings")
def advance(
    model: Denoiser | Headed,
    proposal: Proposal,
    constraint: Constraint | None,
    scheduler: Scheduler,
    rows: Row,
    memory: Memory | None = None,
    *,
    settings: Settings,
) -> Row:
    """One forward for all rows and the steps that follow from it; those due to refresh wait."""
    asking = Asking(model, proposal, constraint, needs(scheduler), settings)
    predictions = look(asking, rows) if memory is None else look_by_memory(asking, rows, memory)
    told = rows.outcome == Outcome.RUNNING
    if memory is not None:
        told = told & ~due_rows(settings, rows)
    return _tell(proposal, scheduler, settings, KINDS[settings.cache.kind], told, rows, predictions)


@partial(jax.jit, static_argnames="settings")
def refresh(
    model: Denoiser | Headed,
    proposal: Proposal,
    constraint: Constraint | None,
    scheduler: Scheduler,
    rows: Row,
    memory: Memory,
    *,
    settings: Settings,
) -> tuple[Row, Memory]:
    """A full forward for the rows that are due, kept in memory, and the step that follows.

    Over a block-causal cache no step follows: the forward is of finished blocks.
    """
    told = (rows.outcome == Outcome.RUNNING) & due_rows(settings, rows)
    asking = Asking(model, proposal, constraint, needs(scheduler), settings)
    if settings.cache.kind == "block_causal":
        seen = undrafted(rows)
        kept = partial(store, asking, seen, memory)
        return keep(settings, partial(prefill, asking, seen), kept, rows, memory, told)
    predictions, fresh = look_and_remember(asking, undrafted(rows))
    rows = _tell(proposal, scheduler, settings, Kind.FULL, told, rows, predictions)
    return rows, renewed(told, fresh, memory)


def due_rows(settings: Settings, rows: Row) -> Array:
    """Which rows wait for a full forward, or for something to be stored."""
    return jax.vmap(partial(due, settings.cache))(rows)


def _tell(
    proposal: Proposal,
    scheduler: Scheduler,
    settings: Settings,
    kind: Kind,
    told: Bool[Array, " batch"],
    rows: Row,
    predictions: Prediction,
) -> Row:
    """Those rows take the steps that follow from what was seen of them."""
    tell = partial(settle, scheduler, settings, proposal.greedy, kind)
    return jax.vmap(select)(told, jax.vmap(tell)(rows, predictions), rows)


def run(
    model: Denoiser | Headed,
    proposal: Proposal,
    constraint: Constraint | None,
    scheduler: Scheduler,
    rows: Row,
    memory: Memory | None,
    leave: Leave,
    *,
    settings: Settings,
    while_loop: WhileLoop = jax.lax.while_loop,
) -> tuple[Row, Memory | None, Int[Array, ""]]:
    """Advances until it is time to leave; also says how many forwards that took.

    Rows that share a batch come to their blocks at different times. Those that wait for a full
    forward get it together, once they are half of those that run.
    """
    fixed = (model, proposal, constraint, scheduler)

    def going(rows: Row, forwards: Array) -> Array:
        running = rows.outcome == Outcome.RUNNING
        arrived = jnp.any(running & (rows.block >= leave.block))
        return (jnp.sum(running) > leave.running) & (forwards < leave.forwards) & ~arrived

    def within(memory: Memory | None, rows: Row, forwards: Array) -> tuple[Row, Array]:
        """Forwards that leave memory as it is, so that the loop does not carry it."""

        def on(carry: tuple[Row, Array]) -> Array:
            waits = memory is not None and wanted(settings, carry[0])
            return going(*carry) & jnp.logical_not(waits)

        def ahead(carry: tuple[Row, Array]) -> tuple[Row, Array]:
            return advance(*fixed, carry[0], memory, settings=settings), carry[1] + 1

        return while_loop(on, ahead, (rows, forwards))

    def anew(carry: _Carry) -> _Carry:
        rows, kept = refresh(*fixed, carry.rows, carry.memory, settings=settings)
        return _Carry(rows, kept, carry.forwards + 1)

    def between(carry: _Carry) -> _Carry:
        rows, forwards = within(carry.memory, carry.rows, carry.forwards)
        return while_loop(
            lambda c: going(c.rows, c.forwards) & wanted(settings, c.rows),
            anew,
            _Carry(rows, carry.memory, forwards),
        )

    if memory is None:
        rows, forwards = within(None, rows, jnp.int32(0))
        return share(mesh_of(model), rows, ROWS), None, forwards
    start = _Carry(rows, memory, jnp.int32(0))
    ended = while_loop(lambda c: going(c.rows, c.forwards), between, start)
    return ended._replace(rows=share(mesh_of(model), ended.rows, ROWS))


class _Carry(NamedTuple):
    rows: Row
    memory: Memory
    forwards: Int[Array, ""]


def wanted(settings: Settings, rows: Row) -> Array:
    """Whether enough rows wait for a full forward."""
    running = rows.outcome == Outcome.RUNNING
    return 2 * jnp.sum(running & due_rows(settings, rows)) >= jnp.sum(running)


run_compiled = jax.jit(run, static_argnames="settings", donate_argnames="memory")


def run_rows(
    model: Denoiser | Headed,
    proposal: Proposal,
    constraint: Constraint | HostConstraint | None,
    scheduler: Scheduler,
    rows: Row,
    memory: Memory | None,
    leave: Leave,
    *,
    settings: Settings,
) -> tuple[Row, Memory | None, Any]:
    """`run` as one compiled program; from Python where the constraint is asked on the host."""
    after = (scheduler, rows, memory, leave)
    if isinstance(constraint, HostConstraint):
        return constraint.run(model, proposal, *after, settings=settings)
    return run_compiled(model, proposal, constraint, *after, settings=settings)


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
