"""Shares of right answers and how far they can be trusted."""

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from benchmarks.runner.samples import Sample

_Z = 1.959963984540054
"""Two sides of a normal distribution, 95 % between them."""


def interval(right: int, n: int) -> tuple[float, float]:
    """The 95 % interval of a binomial share (Wilson), as fractions."""
    share, spread = right / n, _Z**2 / n
    middle = (share + spread / 2) / (1 + spread)
    half = _Z / (1 + spread) * math.sqrt(share * (1 - share) / n + spread / (4 * n))
    return max(0.0, middle - half), min(1.0, middle + half)


class Paired(NamedTuple):
    """Two runs on the examples that both were asked."""

    both: int
    first: int
    """Only the first was right."""
    second: int
    """Only the second was."""
    neither: int

    @property
    def n(self) -> int:
        """Common examples."""
        return sum(self)

    @property
    def difference(self) -> float:
        """The second's share beyond the first's."""
        return (self.second - self.first) / max(self.n, 1)

    @property
    def chance(self) -> float:
        """How often equally good runs differ at least so much (McNemar's test, exact)."""
        apart, fewer = self.first + self.second, min(self.first, self.second)
        tail = sum(math.comb(apart, i) for i in range(fewer + 1))
        return min(1.0, 2 * tail / 2**apart)


def pair(first: Iterable[Sample], second: Iterable[Sample]) -> Paired:
    """Compares answers to the same questions, example by example."""
    known = {(s.task, s.number, s.prompt): s.score for s in first}
    scores = [
        (known[s.task, s.number, s.prompt], s.score)
        for s in second
        if (s.task, s.number, s.prompt) in known
    ]
    count = {both: scores.count(both) for both in ((1, 1), (1, 0), (0, 1), (0, 0))}
    return Paired(*count.values())


def right(samples: Sequence[Sample]) -> int:
    """How many are."""
    return sum(sample.score for sample in samples)
