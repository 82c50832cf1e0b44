"""More rows than a batch holds: rows that end make room for rows that wait."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool

from dllm.canvas import Rows
from dllm.decode import (
    NEVER,
    Decoded,
    Leave,
    begin_memory,
    begin_rows,
    plan_program,
    refuse_below,
    result,
    run_compiled,
)
from dllm.forward import Constraint, Denoiser, Headed
from dllm.propose import Proposal
from dllm.row import Cache, Outcome, Row, Settings, select
from dllm.sharding.rules import mesh_of, place_rows, whole_batch
from dllm.stores import refuse_foreign_blocks
from samplers import MASK, Scheduler

Progress = Callable[[int, int], None]
"""Told (rows ended, rows in all) whenever some have ended."""


class Slots(NamedTuple):
    """A look at the batch between two forwards."""

    held: np.ndarray
    """The row in each slot, -1 where there is none."""
    canvas: np.ndarray
    """`[batch, length]`."""
    settled: np.ndarray
    """Where each row's block begins: everything before it is finished."""


Visit = Callable[[Slots], Iterable[int]]
"""Shown the batch now and then; answers with the slots whose rows shall end."""


class Pooled(NamedTuple):
    """What came of all rows, in the order they were given."""

    decoded: Decoded
    occupancy: float
    """Share of the batch's slots that held an unfinished row, over all forwards."""
    forwards: int
    """Forwards of the batch."""


class Pool:
    """Decodes any number of rows, `batch` at a time, in one compiled program.

    Iterating gives (row, its `Decoded`) as rows end. The loop comes back to Python whenever
    `refill` rows have ended (default: an eighth of the batch), and rows that wait take their slots;
    also about every `glance` seconds, and with `by_block` when a row leaves a block, to show
    `visit` the batch and to hear Ctrl-C. Long rows go first, so that the batch
    drains evenly. A row's tokens do not depend on any of this.
    """

    def __init__(
        self,
        model: Denoiser | Headed,
        rows: Rows,
        scheduler: Scheduler,
        proposal: Proposal = Proposal(),  # noqa: B008  (frozen)
        *,
        batch: int,
        settings: Settings,
        constraint: Constraint | None = None,
        max_steps: int = 4096,
        refill: int | None = None,
        glance: float | None = None,
        by_block: bool = False,
        visit: Visit | None = None,
    ) -> None:
        refill = max(1, batch // 8) if refill is None else refill
        refuse_below("decode_many", batch=(batch, 1), refill=(refill, 1))
        self._mesh = mesh_of(model)
        batch = whole_batch(self._mesh, batch)
        refuse_foreign_blocks(model, settings, rows)
        self._fixed = (model, proposal, constraint, scheduler)
        self._settings = settings
        self._queue = _Queue(rows, batch, refill)
        self._begin = partial(begin_rows, scheduler, settings, max_steps)
        self._pace = _Pace(glance)
        self._by_block, self._visit = by_block, visit
        self.forwards = 0
        """Forwards of the batch so far."""
        self.total = self._queue.total
        self._taken_part = 0

    @property
    def occupancy(self) -> float:
        """Share of the batch's slots that held an unfinished row, over all forwards."""
        return self._taken_part / (len(self._queue.held) * max(self.forwards, 1))

    def __iter__(self) -> Iterator[tuple[int, Decoded]]:
        queue, settings = self._queue, self._settings
        slots = self._begin(queue.take(range(len(queue.held))))
        slots = slots._replace(outcome=jnp.where(queue.held < 0, Outcome.FILLED, slots.outcome))
        memory = begin_memory(self._fixed[0], self._fixed[1], settings, slots)
        slots, memory = _beside(self._fixed[0], (slots, memory))
        while np.any(queue.held >= 0):
            leave = Leave(queue.leave_at, self._pace.forwards)
            if self._by_block:
                leave = leave._replace(block=slots.block + 1)
            slots = place_rows(self._mesh, slots)
            slots, memory, taken = run_compiled(
                *self._fixed, slots, memory, leave, settings=settings
            )
            self.forwards += self._pace.tell(int(taken))
            slots = self._show(slots)
            ended = list(_collect(settings, queue, slots))
            self._taken_part += sum(int(decoded.forwards) for _, _, decoded in ended)
            slots = _refill(self._begin, queue, slots, [slot for slot, *_ in ended])
            yield from ((row, decoded) for _, row, decoded in ended)

    def _show(self, slots: Row) -> Row:
        if self._visit is None:
            return slots
        canvas, bounds, block = jax.device_get((slots.canvas, slots.blocks, slots.block))
        at = np.minimum(block, bounds.shape[1] - 1)
        settled = bounds[np.arange(len(at)), at, 0]
        halted = np.zeros(len(at), bool)
        halted[list(self._visit(Slots(self._queue.held.copy(), canvas, settled)))] = True
        running = slots.outcome == Outcome.RUNNING
        outcome = jnp.where(halted & running, Outcome.ENDED, slots.outcome)
        return slots._replace(outcome=outcome)


class _Pace:
    """How many forwards take about so many seconds; 0 seconds mean one forward."""

    def __init__(self, seconds: float | None) -> None:
        self._seconds = seconds
        self.forwards = NEVER if seconds is None else 1
        self._begun = time.perf_counter()

    def tell(self, forwards: int) -> int:
        """Takes note that so many forwards were made since it was last told."""
        now = time.perf_counter()
        taken, self._begun = now - self._begun, now
        if self._seconds is not None:
            # At most four times as many as before: the first of all also compiled.
            fitting = int(self._seconds * forwards / taken)
            self.forwards = max(1, min(fitting, 4 * self.forwards))
        return forwards


def decode_many(
    model: Denoiser | Headed,
    rows: Rows,
    scheduler: Scheduler,
    proposal: Proposal = Proposal(),  # noqa: B008  (frozen)
    *,
    batch: int,
    constraint: Constraint | None = None,
    cache: str | Cache = "none",
    num_drafts: int = 1,
    accept: str = "exact",
    drafter: str = "own",
    eager: bool = False,
    ends: Sequence[int] = (),
    reference_calls: bool = False,
    max_steps: int = 4096,
    record: int = 0,
    refill: int | None = None,
    progress: Progress | None = None,
) -> Pooled:
    """Decodes any number of rows `batch` at a time; see `Pool`, and `decode` for the options."""
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
    pool = Pool(
        model,
        rows,
        scheduler,
        proposal,
        batch=batch,
        settings=settings,
        constraint=constraint,
        max_steps=max_steps,
        refill=refill,
    )
    results: dict[int, Decoded] = {}
    for row, decoded in pool:
        results[row] = decoded
        if progress is not None:
            progress(len(results), pool.total)
    ordered = [results[i] for i in range(pool.total)]
    together = jax.tree.map(lambda *leaves: np.stack(leaves), *ordered)
    return Pooled(together, pool.occupancy, pool.forwards)


class _Queue:
    """Which row is in which slot, and which wait."""

    def __init__(self, rows: Rows, batch: int, refill: int) -> None:
        canvas = np.asarray(rows.canvas)
        work = np.sum(canvas == MASK, axis=-1)
        self.rows = rows
        self.total = len(work)
        self.refill = refill
        self.held = np.full(batch, -1)
        self._waiting: Iterator[int] = iter(np.argsort(-work, kind="stable").tolist())
        self._left = self.total

    @property
    def leave_at(self) -> int:
        """How many rows may still run when the loop comes back."""
        running = int(np.sum(self.held >= 0))
        return max(running - self.refill, 0) if self._left else 0

    def take(self, free: Iterable[int]) -> Rows:
        """Puts waiting rows into free slots; returns a batch of rows by slot, others as filler."""
        for slot in free:
            self.held[slot] = next(self._waiting, -1)
            self._left -= self.held[slot] >= 0
        index = np.maximum(self.held, 0)
        return jax.tree.map(lambda leaf: leaf[index], self.rows)


def _beside(model: Denoiser | Headed, carry: Any) -> Any:
    """The carry on the device that the model is bound to, as the loop will hand it back.

    Else the first call is of arrays that are bound to none, and the program is compiled twice.
    """
    leaves = [leaf for leaf in jax.tree.leaves(model) if isinstance(leaf, jax.Array)]
    bound = {leaf.sharding for leaf in leaves if leaf.committed}
    sharding = bound.pop() if len(bound) == 1 else None
    if not isinstance(sharding, jax.sharding.SingleDeviceSharding):
        return carry
    return jax.device_put(carry, sharding)


def _collect(settings: Settings, queue: _Queue, slots: Row) -> Iterator[tuple[int, int, Decoded]]:
    """(slot, row, result) of the rows that have ended."""
    outcome = np.asarray(slots.outcome)
    ended = np.flatnonzero((queue.held >= 0) & (outcome != Outcome.RUNNING))
    if not len(ended):
        return
    results = jax.device_get(result(slots, settings))
    for slot in ended.tolist():
        own = jax.tree.map(lambda leaf, slot=slot: leaf[slot], results)
        yield slot, int(queue.held[slot]), own


def _refill(begin: Callable[[Rows], Row], queue: _Queue, slots: Row, free: list[int]) -> Row:
    """Gives free slots to rows that wait."""
    if not free:
        return slots
    fresh = begin(queue.take(free))
    taken = np.zeros(len(queue.held), bool)
    taken[[slot for slot in free if queue.held[slot] >= 0]] = True
    return _replace_slots(jnp.asarray(taken), fresh, slots)


@jax.jit
def _replace_slots(taken: Bool[Array, " batch"], fresh: Row, slots: Row) -> Row:
    return jax.vmap(select)(taken, fresh, slots)
