"""Canvas lengths against every choice there is."""

from itertools import combinations

import numpy as np
import pytest

from benchmarks.runner.canvases import WORTH, canvases


def cost(lengths: dict[int, int], cuts: tuple[int, ...]) -> int:
    return sum(n * min(cut for cut in cuts if cut >= own) for own, n in lengths.items())


def full(lengths: dict[int, int], cuts: tuple[int, ...], least: int) -> bool:
    held = [0] * len(cuts)
    for own, n in lengths.items():
        held[min(i for i, cut in enumerate(cuts) if cut >= own)] += n
    return len(cuts) == 1 or min(held) >= least


@pytest.mark.parametrize("seed", range(20))
def test_no_choice_of_as_many_computes_less(seed: int) -> None:
    draw = np.random.default_rng(seed)
    known = draw.choice(np.arange(10, 100), 7, replace=False).tolist()
    lengths = {own: int(n) for own, n in zip(known, draw.integers(1, 30, 7), strict=True)}
    longest, least = max(known), int(draw.integers(1, 40))
    before, chosen = float("inf"), (longest,)
    for number in range(1, len(known) + 1):
        tried = [(*cut, longest) for cut in combinations(sorted(known)[:-1], number - 1)]
        best = min(
            (c for c in tried if full(lengths, c, least)),
            key=lambda cuts: cost(lengths, cuts),
            default=None,
        )
        if best is None or cost(lengths, best) > (1 - WORTH) * before:
            break
        before, chosen = cost(lengths, best), best
    found = tuple(canvases(lengths, least))
    assert cost(lengths, found) == cost(lengths, chosen)
    assert full(lengths, found, least)


def test_few_rows_share_the_longest_canvas() -> None:
    assert canvases({10: 3, 90: 20}, least=8) == [90]
    assert canvases({10: 8, 90: 20}, least=8) == [10, 90]
    assert canvases({10: 2}, least=8) == [10]
