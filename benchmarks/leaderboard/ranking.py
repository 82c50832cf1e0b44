"""The ranking number PBx: how fast a method is where it still reaches an accuracy of x percent."""

from collections.abc import Iterable
from itertools import pairwise

Point = tuple[float, float]
"""(tokens per step, accuracy in percent) of one setting."""

LEVELS = (80, 75, 70)
"""The accuracies that the site offers."""


def speed_at(curve: Iterable[Point], level: float, *, between: bool = True) -> float:
    """Tokens per step at an accuracy; 0 where no setting reaches it.

    Methods with a whole number of tokens a step have nothing between their settings: with
    `between=False` the fastest setting that reaches the level counts. Otherwise the curve is read
    from its fast end, and between the first two neighbours that the level lies between it is a
    straight line. It is never continued beyond its last point.
    """
    points = _upper(curve)
    if not between:
        return max((tps for tps, accuracy in points if accuracy >= level), default=0.0)
    if points and points[-1][1] >= level:
        return points[-1][0]
    for (slow, high), (fast, low) in reversed(list(pairwise(points))):
        if high >= level > low:
            return slow + (fast - slow) * (high - level) / (high - low)
    return 0.0


def _upper(curve: Iterable[Point]) -> list[Point]:
    """By speed; of equally fast settings the most accurate."""
    best: dict[float, float] = {}
    for tps, accuracy in curve:
        best[tps] = max(accuracy, best.get(tps, accuracy))
    return sorted(best.items())
