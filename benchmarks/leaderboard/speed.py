"""Speed as ParallelBench counts it: positions of an answer for each forward, never seconds.

The published runs of some methods decoded eight rows at a time, and every row of such a batch was
charged the forwards of its slowest. `shared_forwards` charges in the same way, so that a run whose
rows are counted one by one can stand beside them.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

BATCH = 8
"""Rows of a batch in the published runs of all methods that shared forwards."""
RANKS = 8
"""Processes those runs were spread over; example i went to process i mod 8."""


def tokens_per_step(positions: int, forwards: int) -> float:
    """ParallelBench's TPS of one answer: end-of-text filling counts like any other position."""
    return positions / max(forwards, 1)


class Request(NamedTuple):
    """One example as the published harness put it into a batch."""

    number: int
    """Of the example within its task."""
    prompt: str
    """With the chat template's marks."""
    asked: Any
    """Options of generation; only requests with equal ones meet in a batch."""
    forwards: int
    """Its own."""


def shared_forwards(
    requests: Sequence[Request], batch: int = BATCH, ranks: int = RANKS
) -> list[int]:
    """What each request is charged where every row of a batch pays for the slowest.

    A process takes all tasks together, the longest prompt (in characters) first, ties by text, and
    cuts the line into batches. So batches hold examples of several tasks.
    """
    lines: dict[tuple[int, Any], list[int]] = {}
    for i, request in enumerate(requests):
        lines.setdefault((request.number % ranks, request.asked), []).append(i)
    charged = [0] * len(requests)
    for line in lines.values():
        line.sort(key=lambda i: (-len(requests[i].prompt), requests[i].prompt))
        for start in range(0, len(line), batch):
            together = line[start : start + batch]
            slowest = max(requests[i].forwards for i in together)
            for i in together:
                charged[i] = slowest
    return charged
