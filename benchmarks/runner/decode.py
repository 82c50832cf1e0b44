"""Decodes the batches of a plan: one compiled program for each rule and group of examples."""

import time
from collections.abc import Iterable
from functools import cache, partial
from typing import NamedTuple

import numpy as np

from benchmarks.leaderboard.speed import tokens_per_step
from benchmarks.runner.batches import Batch, Plan
from benchmarks.runner.bound import Yardstick, compiling, programs
from benchmarks.runner.numerics import proposal_of
from benchmarks.runner.samples import Sample
from benchmarks.runner.schedules import scheduler_of
from benchmarks.runner.settings import cut
from dllm.canvas import Rows, pick
from dllm.decode import Decoded, plan_program
from dllm.jobs import GLANCE, batch_rows
from dllm.pool import Pool
from samplers import Scheduler

_LEAST_STEPS = 4096


class Timing(NamedTuple):
    """What one or several batches cost."""

    seconds: float
    programs: int
    """Compiled on the way."""
    forwards: int
    """Of the batch, not of a row."""
    slots: int
    """Added up over those forwards."""
    busy: int
    """Those of them that held an unfinished row."""
    compiling: float = 0.0
    """Seconds of them that XLA compiled."""
    operations: float = 0.0
    """Floating point operations of the model, over the forwards that rows took part in."""
    yardstick: float = 0.0
    """Operations of the matrix products that were timed in between."""
    yardstick_seconds: float = 0.0

    @property
    def occupancy(self) -> float:
        """Share of the slots that held an unfinished row."""
        return self.busy / max(self.slots, 1)

    @property
    def bound(self) -> float | None:
        """Seconds that the model's operations take at the rate of the matrix products."""
        if not self.yardstick or not self.operations:
            return None
        return self.operations * self.yardstick_seconds / self.yardstick


def add_up(timings: Iterable[Timing]) -> Timing:
    """The cost of them all."""
    return Timing(*(sum(column) for column in zip(*timings, strict=True)))


class Part(NamedTuple):
    """What came of a batch."""

    samples: list[Sample]
    """In the order of its examples."""
    timing: Timing


class Decoder:
    """Decodes batches of one plan; what a group's batches have in common is made once."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._proposals = [
            proposal_of(plan.protocol, setting, plan.subject.never) for setting in plan.settings
        ]
        self._yardstick = Yardstick(plan.subject)
        self._rows_of = cache(self._make_rows)
        self._scheduler = cache(self._make_scheduler)

    def decode(self, batch: Batch) -> Part:
        """Its graded answers."""
        begun, before, compiled = time.perf_counter(), programs(), compiling()
        pool = self._pool(batch)
        ended = dict(pool)
        took = time.perf_counter() - begun
        slots = self._slots(batch) * pool.forwards
        every = [ended[row] for row in range(len(batch.questions))]
        timing = Timing(
            took,
            programs() - before,
            pool.forwards,
            slots,
            round(pool.occupancy * slots),
            compiling() - compiled,
            sum(map(self._operations, batch.questions, every)),
            *self._yardstick.measure(),
        )
        return Part(list(map(partial(self._sample, batch), batch.questions, every)), timing)

    def _operations(self, question: int, decoded: Decoded) -> float:
        layout = self._plan.layouts[question]
        length = len(layout.ids)
        each = self._plan.subject.operations(length, length - layout.prompt)
        return int(decoded.forwards) * each

    def _pool(self, batch: Batch) -> Pool:
        plan = self._plan
        group, setting = plan.groups[batch.group], plan.settings[batch.setting]
        rows = self._rows_of(batch.group, setting.block)
        place = {question: row for row, question in enumerate(group.questions)}
        own = np.array([place[question] for question in batch.questions])
        scheduler = self._scheduler(batch.setting, group.positions)
        return Pool(
            plan.subject.denoiser,
            pick(rows, own),
            scheduler,
            self._proposals[batch.setting],
            batch=self._slots(batch),
            # Of all rows of the group, so that its batches run one program.
            settings=plan_program(
                rows, scheduler, setting.drafts, cache=setting.cache, ends=plan.ends
            ),
            max_steps=max(_LEAST_STEPS, 4 * group.positions),
            glance=GLANCE,
        )

    def _make_rows(self, group: int, block: int | None) -> Rows:
        _, length, questions = self._plan.groups[group]
        return batch_rows([cut(self._plan.layouts[i], block) for i in questions], length)

    def _make_scheduler(self, setting: int, positions: int) -> Scheduler:
        return scheduler_of(self._plan.protocol, self._plan.settings[setting], positions)

    def _slots(self, batch: Batch) -> int:
        return min(self._plan.slots, len(self._plan.groups[batch.group].questions))

    def _sample(self, batch: Batch, question: int, decoded: Decoded) -> Sample:
        subject, layout = self._plan.subject, self._plan.layouts[question]
        number, example = self._plan.questions[question]
        said, forwards = subject.read(example, layout, decoded), int(decoded.forwards)
        marked = subject.mark(example, said.text)
        return Sample(
            self._plan.settings[batch.setting].name,
            example.task,
            number,
            example.prompt,
            example.answer,
            said.text,
            marked.score,
            marked.strict,
            forwards,
            tokens_per_step(self._plan.groups[batch.group].positions, forwards),
            layout.prompt,
            said.length,
            said.outcome,
            marked.metrics,
        )
