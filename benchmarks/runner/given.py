"""One rule over given examples, in memory: what training looks at itself with."""

from collections.abc import Mapping, Sequence

import dllm
from benchmarks.runner.batches import make_plan
from benchmarks.runner.run import decode_here
from benchmarks.runner.samples import Sample, by_task
from benchmarks.runner.settings import choose_settings
from benchmarks.runner.subject import Checkpoint
from benchmarks.suites import Question
from benchmarks.tasks.example import Example


def answers(
    model: dllm.Model,
    suite: Mapping[str, Sequence[Example]],
    scheduler: str | dllm.Scheduler,
    *,
    batch: int = 8,
    seed: int = 0,
    progress: bool | None = None,
) -> dict[str, list[Sample]]:
    """Graded answers by task: one block each, at temperature 0."""
    subject = Checkpoint(model)
    questions = [
        Question(number, example)
        for listed in suite.values()
        for number, example in enumerate(listed)
    ]
    (result,) = decode_here(
        make_plan(
            subject,
            questions,
            choose_settings([scheduler], ids=subject.ids).settings,
            suite="given",
            slots=batch,
            seed=seed,
        ),
        progress,
    )
    return by_task(result.samples)
