"""More rows than a batch holds: rows that end make room for rows that wait."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool

from dllm.canvas import Rows
from dllm.decode import Decoded, begin_rows, plan_program, result, run_compiled
from dllm.forward import Constraint, Denoiser
from dllm.propose import Proposal
from dllm.row import Outcome, Row, Settings, select
from samplers import MASK, Scheduler

Progress = Callable[[int, int], None]
"""Told (rows ended, rows in all) whenever some have ended."""


class Pooled(NamedTuple):
    """What came of all rows, in the order they were given."""

    decoded: Decoded
    occupancy: float
    """Share of the batch's slots that held an unfinished row, over all forwards."""
    forwards: int
    """Forwards of the batch."""


def decode_many(
    model: Denoiser,
    rows: Rows,
    scheduler: Scheduler,
    proposal: Proposal = Proposal(),  # noqa: B008  (frozen)
    *,
    batch: int,
    constraint: Constraint | None = None,
    num_drafts: int = 1,
    reference_calls: bool = False,
    max_steps: int = 4096,
    record: int = 0,
    refill: int | None = None,
    progress: Progress | None = None,
) -> Pooled:
    """Decodes any number of rows `batch` at a time, in one compiled program.

    The loop comes back to Python whenever `refill` rows have ended (default: an eighth of the
    batch), and rows that wait take their slots. Long rows go first, so that the batch drains
    evenly. A row's tokens do not depend on any of this.
    """
    if batch < 1:
        raise ValueError(f"decode_many: batch must be at least 1, got {batch}")
    settings = plan_program(
        rows,
        scheduler,
        num_drafts,
        reference_calls=reference_calls,
        max_steps=max_steps,
        record=record,
    )
    queue = _Queue(rows, batch, refill or max(1, batch // 8))
    slots = begin_rows(scheduler, settings, queue.take(range(batch)))
    slots = slots._replace(outcome=jnp.where(queue.held < 0, Outcome.FILLED, slots.outcome))
    forwards = 0
    while np.any(queue.held >= 0):
        slots, taken = run_compiled(
            model, proposal, constraint, scheduler, slots, queue.leave_at, settings=settings
        )
        forwards += int(taken)
        slots = _exchange(scheduler, settings, queue, slots)
        if progress is not None:
            progress(queue.ended, queue.total)
    decoded = queue.results()
    return Pooled(decoded, float(decoded.forwards.sum()) / (batch * max(forwards, 1)), forwards)


class _Queue:
    """Which row is in which slot, which wait, and what came of those that ended."""

    def __init__(self, rows: Rows, batch: int, refill: int) -> None:
        canvas = np.asarray(rows.canvas)
        work = np.sum(canvas == MASK, axis=-1)
        self.rows = rows
        self.total = len(work)
        self.refill = refill
        self.held = np.full(batch, -1)
        self._waiting: Iterator[int] = iter(np.argsort(-work, kind="stable").tolist())
        self._left = self.total
        self._results: dict[int, Decoded] = {}

    @property
    def ended(self) -> int:
        return len(self._results)

    @property
    def leave_at(self) -> int:
        """How many rows may still run when the loop comes back."""
        running = int(np.sum(self.held >= 0))
        return max(running - self.refill, 0) if self._left else 0

    def take(self, free: range | list[int]) -> Rows:
        """Puts waiting rows into free slots; returns a batch of rows by slot, others as filler."""
        for slot in free:
            self.held[slot] = next(self._waiting, -1)
            self._left -= self.held[slot] >= 0
        index = np.maximum(self.held, 0)
        return jax.tree.map(lambda leaf: leaf[index], self.rows)

    def put(self, slot: int, decoded: Decoded) -> None:
        self._results[int(self.held[slot])] = decoded

    def results(self) -> Decoded:
        ordered = [self._results[i] for i in range(self.total)]
        return jax.tree.map(lambda *leaves: np.stack(leaves), *ordered)


def _exchange(scheduler: Scheduler, settings: Settings, queue: _Queue, slots: Row) -> Row:
    """Collects the rows that ended and gives their slots to rows that wait."""
    ended = jax.device_get(result(slots, settings))
    free = [
        slot
        for slot, row in enumerate(queue.held)
        if row >= 0 and ended.outcome[slot] != Outcome.RUNNING
    ]
    for slot in free:
        queue.put(slot, jax.tree.map(lambda leaf, slot=slot: leaf[slot], ended))
    fresh = begin_rows(scheduler, settings, queue.take(free))
    taken = np.zeros(len(queue.held), bool)
    taken[[slot for slot in free if queue.held[slot] >= 0]] = True
    return _replace_slots(jnp.asarray(taken), fresh, slots)


@jax.jit
def _replace_slots(taken: Bool[Array, " batch"], fresh: Row, slots: Row) -> Row:
    return jax.vmap(select)(taken, fresh, slots)
