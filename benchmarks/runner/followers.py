"""A run by several processes: the first keeps the folder, the others decode along."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np

from benchmarks.runner.batches import Batch, Plan
from dllm import hosts

Announce = Callable[[Sequence[Batch]], None]
_REFUSED = -1


@contextmanager
def announcing(plan: Plan) -> Iterator[Announce]:
    """For the first process: tells the others what is to be decoded, or that it gave up before."""
    told = [False]

    def announce(todo: Sequence[Batch]) -> None:
        wanted = np.zeros(len(plan.batches), np.int32)
        wanted[[batch.number for batch in todo]] = 1
        told[0] = True
        hosts.of_first(wanted)

    try:
        yield announce
    finally:
        if not told[0]:
            told[0] = True
            hosts.of_first(np.full(len(plan.batches), _REFUSED, np.int32))


def announced(plan: Plan) -> list[Batch]:
    """For the others: what is to be decoded.

    Raises:
        ValueError: the first process gave up.
    """
    wanted = hosts.of_first(np.zeros(len(plan.batches), np.int32))
    if _REFUSED in wanted:
        raise ValueError("hosts: process 0 gave up; it says why")
    return [batch for batch in plan.batches if wanted[batch.number]]
