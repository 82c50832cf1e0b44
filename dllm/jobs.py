"""Layouts of any lengths through few compiled programs, with results as they end."""

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from dllm.canvas import Layout, Rows, stack
from dllm.decode import Decoded, plan_program
from dllm.forward import Constraint, HostConstraint
from dllm.load import Model
from dllm.pool import Pool, Slots
from dllm.propose import Proposal
from dllm.row import Cache
from samplers import MASK, Scheduler

GLANCE = 0.5
"""Seconds between two looks at the batch: progress moves, Ctrl-C is heard."""


@dataclasses.dataclass(frozen=True)
class Task:
    """How layouts are decoded."""

    scheduler: Scheduler
    proposal: Proposal
    batch: int = 8
    num_drafts: int = 1
    cache: str | Cache = "none"
    ends: tuple[int, ...] = ()
    constraint: Constraint | HostConstraint | None = None
    trajectory: bool = False
    accept: str = "exact"
    drafter: str = "own"
    eager: bool = False
    """How it is drafted, as of `dllm.decode`."""
    lengths: tuple[int, ...] = ()
    """Canvas lengths to compile for, ascending, before those of `bucket`."""
    glance: float = GLANCE
    """Seconds between two looks; 0 means after every forward."""
    by_block: bool = False
    """Show the rows whenever one has left a block: whoever ends rows then does it at the same place
    every time."""


class Glance(NamedTuple):
    """A row under way."""

    job: int
    ids: Sequence[int]
    """Its canvas."""
    settled: int
    """Everything before this position is finished."""


Watch = Callable[[Sequence[Glance]], Iterable[int]]
"""Shown the rows under way now and then; answers with the jobs that shall end."""


def run_jobs(
    model: Model, layouts: Sequence[Layout], task: Task, watch: Watch | None = None
) -> Iterator[tuple[int, Decoded]]:
    """(job, result) as jobs end. Jobs of one bucket share a program and a batch.

    Raises:
        ValueError: a job is longer than the model allows.
    """

    def length_of(layout: Layout) -> int:
        return bucket(len(layout.ids), model.config.max_length, task.lengths)

    buckets: dict[int, list[int]] = {}
    for job, layout in enumerate(layouts):
        buckets.setdefault(length_of(layout), []).append(job)
    for length, jobs in buckets.items():
        yield from _run_bucket(model, layouts, jobs, length, task, watch)


def bucket(length: int, most: int, lengths: Sequence[int] = ()) -> int:
    """The canvas length for a row: the first of `lengths` that holds it.

    Without one, up to a quarter longer than the row, so that few lengths are compiled for.
    """
    fitting = next((known for known in lengths if length <= known <= most), None)
    if fitting is not None:
        return fitting
    step = max(16, 2 ** (length.bit_length() - 3))
    return min(-(-length // step) * step, most)


def batch_rows(layouts: Sequence[Layout], length: int) -> Rows:
    """Rows of one length; the number of blocks is rounded up, to compile for few."""
    number = max(len(layout.blocks) for layout in layouts)
    return stack(layouts, length, 2 ** (number - 1).bit_length())


def _run_bucket(
    model: Model,
    layouts: Sequence[Layout],
    jobs: list[int],
    length: int,
    task: Task,
    watch: Watch | None,
) -> Iterator[tuple[int, Decoded]]:
    own = [layouts[job] for job in jobs]
    rows = batch_rows(own, length)
    holes = max(layout.ids.count(MASK) for layout in own)
    settings = plan_program(
        rows,
        task.scheduler,
        task.num_drafts,
        accept=task.accept,
        drafter=task.drafter,
        eager=task.eager,
        cache=task.cache,
        ends=task.ends,
        record=2 * holes if task.trajectory else 0,
    )
    if settings.suffix:
        settings = settings._replace(suffix=bucket(settings.suffix, length))
    if len({end - start for layout in own for start, end in layout.blocks}) > 1:
        settings = settings._replace(window=bucket(settings.window, length))

    def visit(slots: Slots) -> list[int]:
        if watch is None:
            return []
        held = [slot for slot, row in enumerate(slots.held) if row >= 0]
        glances = [
            Glance(jobs[slots.held[slot]], slots.canvas[slot].tolist(), int(slots.settled[slot]))
            for slot in held
        ]
        ending = set(watch(glances))
        return [slot for slot, glance in zip(held, glances, strict=True) if glance.job in ending]

    constraint = task.constraint
    if isinstance(constraint, HostConstraint):
        constraint = constraint.take(jobs)
    pool = Pool(
        model.network,
        rows,
        task.scheduler,
        task.proposal,
        batch=min(task.batch, len(own)),
        settings=settings,
        constraint=constraint,
        max_steps=max(4096, 4 * holes),
        glance=task.glance,
        by_block=task.by_block,
        visit=visit,
    )
    yield from ((jobs[row], decoded) for row, decoded in pool)
