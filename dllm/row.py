"""One row of the loop's carry, and the one true step that moves it."""

import enum
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, Key, PRNGKeyArray

from dllm.canvas import Rows
from samplers import MASK, Move, Place, Prediction, Scheduler
from samplers.parts import planned, start
from samplers.ranking import holes


class Outcome(enum.IntEnum):
    """How a row ended."""

    RUNNING = 0
    FILLED = 1
    OUT_OF_STEPS = 2
    """Undecided positions are left: the schedule or `max_steps` ran out, the rule gave a block up,
    or they lie outside all blocks."""
    STUCK = 3
    """A constraint left no token for any undecided position of the block, and nothing changed."""
    ENDED = 4
    """A token that ends the answer stands in a block that was left; later blocks stay undecided."""


class Kind(enum.IntEnum):
    """What a model call computes; `calls` counts by it."""

    FULL = 0
    """The whole canvas."""
    SUFFIX = 1
    """The block and everything behind it, over kept keys and values."""
    BLOCK = 2
    """The block alone, over kept keys and values."""


class Cache(NamedTuple):
    """Which keys and values are kept between forwards, and for how long; see `dllm.caches`."""

    kind: str = "none"
    """`none`, `prefix`, `dual` or `block_causal`."""
    refresh: int | None = None
    """Steps of a block between two full forwards; left out, one at its start alone."""

    @property
    def on(self) -> bool:
        """Whether anything is kept."""
        return self.kind != "none"


class Settings(NamedTuple):
    """What is fixed when the program is compiled."""

    num_drafts: int = 1
    window: int = 1
    """How many positions a forward is read at: the longest block, or the whole canvas."""
    reference_calls: bool = False
    ends: tuple[int, ...] = ()
    """Tokens that end an answer."""
    record: int = 0
    """How many steps are kept in `trajectory` and `log`."""
    cache: Cache = Cache()
    suffix: int = 0
    """With a prefix cache: positions from the earliest block on, which its forwards compute."""
    accept: str = "exact"
    """Which drafts are gone on from; see `dllm.drafts`."""
    drafter: str = "own"
    """Where drafts come from; see `dllm.drafts`."""
    ahead: int = 0
    """With a block-causal cache: how many blocks behind the current one a forward looks at too."""

    @property
    def computed(self) -> int:
        """Positions that a forward over kept keys and values computes."""
        return self.suffix if self.cache.kind == "prefix" else self.window


class Row(NamedTuple):
    """The carry of one row; the loop holds a batch of them."""

    key: PRNGKeyArray
    canvas: Int[Array, " length"]
    prompt: Int[Array, ""]
    blocks: Int[Array, "blocks 2"]
    log_probs: Float[Array, " length"]
    """Log-probability that each token had when it was written; NaN where a rule wrote a token that
    the model did not propose there."""
    given: Bool[Array, " length"]
    """Decided from the start: what classifier-free guidance hides."""
    state: Any
    drafts: Int[Array, "drafts length"]
    """Canvases the next forward looks at; the first is `canvas`."""
    block: Int[Array, ""]
    step: Int[Array, ""]
    total: Int[Array, ""]
    limit: Int[Array, ""]
    """Steps after which the row ends whatever is left."""
    outcome: Int[Array, ""]
    forwards: Int[Array, ""]
    calls: Int[Array, " kinds"]
    trajectory: Int[Array, "record length"]
    """The canvas before each true step."""
    log: Int[Array, "record 6"]
    """Each call as (kind, start, length, stored, drafts, steps taken before it)."""
    drafted: Int[Array, ""]
    """How many of `drafts` count; the others are copies."""
    stored: Int[Array, ""]
    """With a block-causal cache: keys and values before this position are kept for good."""
    waits: Bool[Array, ""]
    """With a block-causal cache: something is to be stored before anything is looked at again."""
    ending: Int[Array, ""]
    """How the row ends once its last block is stored; RUNNING if nothing ends it yet."""
    overdue: Bool[Array, ""]
    """The rule is through with the block, but a language has taken some of its writes back."""


def begin(scheduler: Scheduler, settings: Settings, limit: Int[Array, ""] | int, rows: Rows) -> Row:
    """A fresh row at its first block with an undecided position. Takes one row of `Rows`."""
    canvas, zero = rows.canvas, jnp.int32(0)
    row = Row(
        key=rows.keys,
        canvas=canvas,
        prompt=rows.prompt,
        blocks=rows.blocks,
        log_probs=jnp.zeros(canvas.shape, jnp.float32),
        given=canvas >= 0,
        state=start(scheduler, canvas),
        drafts=jnp.broadcast_to(canvas, (settings.num_drafts, *canvas.shape)),
        block=zero,
        step=zero,
        total=zero,
        limit=jnp.asarray(limit, jnp.int32),
        outcome=zero,
        forwards=zero,
        calls=jnp.zeros(len(Kind), jnp.int32),
        trajectory=jnp.zeros((settings.record, *canvas.shape), jnp.int32),
        log=jnp.zeros((settings.record, 6), jnp.int32),
        drafted=jnp.int32(settings.num_drafts if settings.drafter == "own" else 1),
        stored=zero,
        waits=jnp.bool_(False),
        ending=zero,
        overdue=jnp.bool_(False),
    )
    row = enter(row, zero)
    if settings.cache.kind != "block_causal":
        return row
    return row._replace(waits=place(row).start > 0)


def place(row: Row) -> Place:
    """Where a row stands, as its scheduler is told."""
    start, end = row.blocks[jnp.minimum(row.block, row.blocks.shape[0] - 1)]
    blocks = jnp.sum(row.blocks[:, 1] > row.blocks[:, 0], dtype=jnp.int32)
    return Place(row.prompt, start, end, row.block, blocks, row.step, row.total)


def streams(key: PRNGKeyArray, block: Int[Array, ""], step: Int[Array, ""]) -> Key[Array, " 2"]:
    """The two keys of a step: one for the proposal, one for the scheduler."""
    return jax.random.split(jax.random.fold_in(jax.random.fold_in(key, block), step))


def take_step(scheduler: Scheduler, settings: Settings, row: Row, prediction: Prediction) -> Row:
    """One true step of a running row: canvas, state, step numbers, block and outcome."""
    move = next_move(scheduler, row, prediction)
    return conclude(scheduler, settings, row, move, prediction)


def next_move(scheduler: Scheduler, row: Row, prediction: Prediction) -> Move:
    """What the rule answers."""
    _, key = streams(row.key, row.block, row.step)
    return scheduler.update(key, row.state, row.canvas, prediction, place(row))


def conclude(
    scheduler: Scheduler, settings: Settings, row: Row, move: Move, prediction: Prediction
) -> Row:
    """The row after a move."""
    here = place(row)
    least = _least(scheduler, settings, row, move, here)
    moved = row._replace(
        canvas=move.canvas,
        log_probs=_committed(row, move, prediction),
        state=move.state,
        step=row.step + 1,
        total=row.total + 1,
    )
    left = _leave(settings, moved, here)
    leaves = (move.done & (row.step + 1 >= least)) | jnp.asarray(move.stopped)
    row_after = select(leaves, left, moved)
    stopped = jnp.where(
        _is_stuck(row, move, prediction, here),
        Outcome.STUCK,
        jnp.where(row_after.total >= row.limit, Outcome.OUT_OF_STEPS, Outcome.RUNNING),
    )
    running = row_after.outcome == Outcome.RUNNING
    row_after = row_after._replace(outcome=jnp.where(running, stopped, row_after.outcome))
    if settings.reference_calls and settings.cache.kind == "block_causal":
        return _hold(row, row_after)
    return row_after


def goes_on(row: Row) -> Bool[Array, ""]:
    """Whether a row has steps left to take."""
    return (row.outcome == Outcome.RUNNING) & (row.ending == Outcome.RUNNING)


def _hold(row: Row, after: Row) -> Row:
    """A row that has ended in its block stays there until the block is stored, as published."""
    ended = after.outcome != Outcome.RUNNING
    return after._replace(
        ending=jnp.where(ended, after.outcome, after.ending),
        outcome=jnp.where(ended, Outcome.RUNNING, after.outcome),
        block=jnp.where(ended, row.block, after.block),
    )


def count_call(
    row: Row,
    kind: Int[Array, ""] | int,
    start: Int[Array, ""] | int,
    stop: Int[Array, ""],
    drafts: Int[Array, ""] | int,
    *,
    stores: bool = False,
) -> Row:
    """Takes note of a model call that the row took part in."""
    row = row._replace(calls=row.calls.at[kind].add(1), forwards=row.forwards + 1)
    if not row.log.shape[0]:
        return row
    call = [kind, start, stop - start, stores, drafts, row.total]
    entry = jnp.stack([jnp.asarray(number, jnp.int32) for number in call])
    return row._replace(log=row.log.at[row.forwards - 1].set(entry, mode="drop"))


def enter(row: Row, first: Int[Array, ""]) -> Row:
    """Goes to the first block from `first` on that has an undecided position, or ends the row."""
    undecided = jnp.cumsum(row.canvas == MASK, dtype=jnp.int32)
    before = jnp.concatenate([jnp.zeros(1, jnp.int32), undecided])
    left = before[row.blocks[:, 1]] - before[row.blocks[:, 0]]
    number = row.blocks.shape[0]
    at = jnp.arange(number, dtype=jnp.int32)
    block = jnp.min(jnp.where((left > 0) & (at >= first), at, number))
    ended = jnp.where(before[-1] == 0, Outcome.FILLED, Outcome.OUT_OF_STEPS)
    outcome = jnp.where(block == number, ended, Outcome.RUNNING).astype(jnp.int32)
    return row._replace(block=block, step=jnp.zeros_like(row.step), outcome=outcome)


def select(condition: Bool[Array, ""], yes: Row, no: Row) -> Row:
    """`yes` where the condition holds, else `no`."""
    return jax.tree.map(lambda a, b: jnp.where(condition, a, b), yes, no)


def _leave(settings: Settings, row: Row, here: Place) -> Row:
    """Goes on to the next block, unless the answer has ended in this one."""
    left = enter(row, row.block + 1)
    if not settings.ends:
        return left
    at = jnp.arange(row.canvas.shape[0])
    ending = jnp.isin(row.canvas, jnp.asarray(settings.ends, jnp.int32))
    over = jnp.any(ending & (at >= row.prompt) & (at < here.end))
    over = over & (left.outcome != Outcome.FILLED)
    return left._replace(outcome=jnp.where(over, Outcome.ENDED, left.outcome))


def _least(
    scheduler: Scheduler, settings: Settings, row: Row, move: Move, here: Place
) -> Int[Array, ""] | int:
    """Forwards that a block takes at least.

    Published loops without a cache spend their whole schedule. With a prefix or dual one, they make
    a forward over it before they look whether the full one has filled the block. FreeDave takes a
    step that fills a block for a draft to look at, unless one position was left.
    """
    if not settings.reference_calls:
        return 1
    if settings.drafter != "own" and not settings.ahead:
        several = jnp.sum(holes(row.canvas, here)) > 1
        filled = ~jnp.any(holes(move.canvas, here))
        return jnp.where(several & filled, row.step + 2, 1)
    if settings.cache.kind == "block_causal":
        return 1
    return 2 if settings.cache.on else planned(scheduler, here)


def _committed(row: Row, move: Move, prediction: Prediction) -> Float[Array, " length"]:
    """The log-probability of what stands on the canvas, from the step it was written."""
    proposed = jnp.where(move.canvas == prediction.tokens, prediction.log_confidence, jnp.nan)
    written = jnp.where(move.canvas >= 0, proposed, 0)
    return jnp.where(move.canvas == row.canvas, row.log_probs, written)


def _is_stuck(row: Row, move: Move, prediction: Prediction, here: Place) -> Bool[Array, ""]:
    open_holes = holes(row.canvas, here)
    legal = jnp.any(open_holes & prediction.allowed)
    return jnp.any(open_holes) & ~legal & jnp.all(move.canvas == row.canvas)
