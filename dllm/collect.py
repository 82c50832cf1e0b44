"""Jobs to their end, with a bar, a watcher and an ear for Ctrl-C."""

from collections.abc import Callable, Collection, Sequence
from typing import Any

from dllm.canvas import Layout
from dllm.decode import Decoded
from dllm.jobs import Glance, Task, run_jobs
from dllm.load import Model
from dllm.meter import Meter


class Interrupted(KeyboardInterrupt):
    """Ctrl-C: what was finished is in `finished`, in order, `None` where it was not."""

    def __init__(self, finished: list[Any]) -> None:
        super().__init__(f"{sum(r is not None for r in finished)} of {len(finished)} finished")
        self.finished = finished


def collect(
    what: str,
    model: Model,
    layouts: Sequence[Layout],
    task: Task,
    finish: Callable[[int, Decoded], Any],
    *,
    progress: bool | None,
    watch: Callable[[Sequence[Glance]], None] | None,
    on_result: Callable[[int, Any], None] | None,
    halt: Callable[[Glance], bool] = lambda _: False,
) -> list[Any]:
    """What `finish` makes of each job, in order; `halt` says which rows under way shall end."""
    finished: list[Any] = [None] * len(layouts)
    meter = Meter(what, layouts, task.batch, progress)

    def look(glances: Sequence[Glance]) -> Collection[int]:
        meter.see(glances)
        if watch is not None:
            watch(glances)
        return [glance.job for glance in glances if halt(glance)]

    try:
        with meter:
            for job, decoded in run_jobs(model, layouts, task, look):
                finished[job] = finish(job, decoded)
                meter.end(job)
                if on_result is not None:
                    on_result(job, finished[job])
    except KeyboardInterrupt:
        raise Interrupted(finished) from None
    return finished
