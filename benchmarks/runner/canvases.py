"""Which canvas lengths a run compiles for."""

from collections.abc import Mapping
from functools import cache

WORTH = 0.05
"""Share of the computed positions that one more compiled program has to save."""


def canvases(lengths: Mapping[int, int], least: int) -> list[int]:
    """Canvas lengths, ascending, for so many rows of each length; the last holds the longest row.

    Each is the length of some row, and as few positions as possible are computed for nothing. No
    canvas has fewer rows than `least`, which fill the slots, unless there are no more. One more
    canvas is taken where it saves `WORTH`.
    """
    chosen = [max(lengths)]
    computed = chosen[0] * sum(lengths.values())
    for number in range(2, len(lengths) + 1):
        cost, cuts = _cheapest(lengths, number, least)
        if cost > (1 - WORTH) * computed:
            break
        chosen, computed = cuts, cost
    return chosen


def _cheapest(lengths: Mapping[int, int], number: int, least: int) -> tuple[float, list[int]]:
    """The positions that so many canvases compute at least, and those canvases."""
    known = sorted(lengths)
    rows = [0]
    for length in known:
        rows.append(rows[-1] + lengths[length])

    @cache
    def best(end: int, number: int) -> tuple[float, list[int]]:
        """For the first `end` lengths."""
        if number == 0:
            return (0.0, []) if end == 0 else (float("inf"), [])
        found = (float("inf"), [])
        for start in range(number - 1, end):
            held = rows[end] - rows[start]
            if held < least:
                break
            cost, cuts = best(start, number - 1)
            found = min(found, (cost + held * known[end - 1], [*cuts, known[end - 1]]))
        return found

    return best(len(known), number)
