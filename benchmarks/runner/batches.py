"""The plan of a run: which examples are decoded together, fixed before anything is decoded.

The same command makes the same plan everywhere, so that a run can be cut off, gone on with
elsewhere, and shared out among machines.
"""

import dataclasses
import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from functools import cached_property
from itertools import pairwise
from typing import Any, NamedTuple

from benchmarks.runner.canvases import canvases
from benchmarks.runner.numerics import as_compared
from benchmarks.runner.protocol import FLOAT32, Protocol, protocol_of
from benchmarks.runner.schedules import scheduler_of
from benchmarks.runner.settings import Setting
from benchmarks.runner.subject import Subject
from benchmarks.runner.versions import version
from benchmarks.suites import Question
from dllm.canvas import Layout

FULL = 16
"""Times its slots that a batch holds rows: slots are refilled, and only the last rows drain."""


class Group(NamedTuple):
    """Examples that share a compiled program: the canvas' length and the answer's."""

    positions: int
    """Of the answer."""
    length: int
    """Of the canvas."""
    questions: tuple[int, ...]


class Batch(NamedTuple):
    """Examples that are decoded in one go and stored as one part."""

    number: int
    setting: int
    group: int
    questions: tuple[int, ...]


@dataclasses.dataclass(frozen=True)
class Plan:
    """All that a run decodes."""

    subject: Subject
    suite: str
    settings: tuple[Setting, ...]
    questions: tuple[Question, ...]
    layouts: tuple[Layout, ...]
    groups: tuple[Group, ...]
    batches: tuple[Batch, ...]
    slots: int
    """Rows that are decoded at a time."""
    seed: int
    protocol: Protocol

    @cached_property
    def identity(self) -> dict[str, Any]:
        """What must be equal for parts to belong together."""
        return {
            "model": self.subject.about,
            "version": version(),
            "grader": self.subject.grader,
            "suite": self.suite,
            "settings": [setting.name for setting in self.settings],
            "questions": len(self.questions),
            "batches": len(self.batches),
            "batch": self.slots,
            "seed": self.seed,
            **self.protocol._asdict(),
            "asked": _digest([self._asked(i) for i in range(len(self.questions))]),
        }

    @property
    def ends(self) -> tuple[int, ...]:
        """Tokens that end an answer with the block they stand in."""
        return self.subject.ends if self.protocol.early_stop else ()

    @cached_property
    def digest(self) -> str:
        """A short name of the identity."""
        return _digest(self.identity)

    def _asked(self, i: int) -> Sequence[Any]:
        number, example = self.questions[i]
        return [example.task, number, example.answer, *self.layouts[i]]


def make_plan(
    subject: Subject,
    questions: Sequence[Question],
    settings: Sequence[Setting],
    *,
    suite: str,
    slots: int = 8,
    seed: int = 0,
    temperature: float = 0.0,
    numerics: str = FLOAT32,
) -> Plan:
    """The plan of a run.

    Example i of a task has the seed s + i, so that its tokens depend neither on which others are
    asked nor on the order.

    Raises:
        ValueError: no examples, one that does not fit the model, or what the suite does not allow.
    """
    protocol = protocol_of(suite, settings, temperature, numerics, subject.schedule_end)
    if slots < 1:
        raise ValueError(f"batch: must be at least 1, got {slots}")
    if not questions or not settings:
        what = "examples" if settings else "settings"
        raise ValueError(f"run: must have {what}, got none")
    layouts = [subject.layout(q.example, seed + q.number) for q in questions]
    groups = _groups(layouts, slots)
    settings = [as_compared(numerics, setting, subject.ids) for setting in settings]
    for setting in settings:
        _refuse_block(setting, groups)
        for group in groups:
            scheduler_of(protocol, setting, group.positions)  # refused here, not in the middle
    return Plan(
        subject,
        suite,
        tuple(settings),
        tuple(questions),
        tuple(layouts),
        tuple(groups),
        tuple(_batches(groups, len(settings), slots)),
        slots,
        seed,
        protocol,
    )


def _groups(layouts: Sequence[Layout], slots: int) -> list[Group]:
    """Examples by the positions of their answer, and by canvases that hold little padding."""
    found: dict[int, list[int]] = {}
    for i, layout in enumerate(layouts):
        found.setdefault(layout.blocks[0][1] - layout.blocks[0][0], []).append(i)
    groups = []
    for positions, listed in sorted(found.items()):
        lengths = {i: len(layouts[i].ids) for i in listed}
        shorter = 0
        for canvas in canvases(Counter(lengths.values()), slots):
            own = tuple(i for i in listed if shorter < lengths[i] <= canvas)
            groups.append(Group(positions, canvas, own))
            shorter = canvas
    return groups


def _batches(groups: Sequence[Group], settings: int, slots: int) -> list[Batch]:
    made: list[Batch] = []
    for setting in range(settings):
        for group, listed in enumerate(groups):
            for piece in _pieces(listed.questions, slots):
                made.append(Batch(len(made), setting, group, piece))
    return made


def _pieces(questions: tuple[int, ...], slots: int) -> list[tuple[int, ...]]:
    """Pieces of up to `FULL` rounds of the slots, as even as can be; all rounds but one are full.

    Rules that write a fixed number of tokens end the rows of a round together: a round that is not
    full leaves slots empty.
    """
    rounds = -(-len(questions) // slots)
    number = -(-rounds // FULL)
    cuts = [i * rounds // number * slots for i in range(number + 1)]
    return [questions[start:end] for start, end in pairwise(cuts)]


def _refuse_block(setting: Setting, groups: Sequence[Group]) -> None:
    for group in groups:
        if setting.block is not None and group.positions % setting.block:
            raise ValueError(
                f"block_length: must divide the {group.positions} positions of an answer, got "
                f"{setting.block}"
            )


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()[:16]
