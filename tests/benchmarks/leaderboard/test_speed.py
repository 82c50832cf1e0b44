"""Tokens a step, and what rows of a batch are charged."""

import pytest

from benchmarks.leaderboard.speed import Request, shared_forwards, tokens_per_step


def test_tokens_per_step() -> None:
    assert tokens_per_step(32, 8) == 4
    assert tokens_per_step(32, 0) == 32


def requests(*forwards: int, ranks: int = 1, asked: object = None) -> list[Request]:
    """Prompts that get shorter, all of one process."""
    return [Request(i * ranks, "x" * (99 - i), asked, n) for i, n in enumerate(forwards)]


def test_a_batch_pays_for_its_slowest_row() -> None:
    assert shared_forwards(requests(3, 9, 4, 1, 2), batch=3, ranks=1) == [9, 9, 9, 2, 2]


def test_longest_prompts_share_a_batch_and_ties_go_by_text() -> None:
    mixed = [Request(0, "bb", 0, 1), Request(0, "aaa", 0, 5), Request(0, "ba", 0, 2)]
    assert shared_forwards(mixed, batch=2, ranks=1) == [1, 5, 5]


def test_processes_and_options_do_not_mix() -> None:
    apart = [Request(number, "x", asked, number + asked) for number in (0, 1) for asked in (4, 6)]
    assert shared_forwards(apart, batch=8, ranks=2) == [4, 6, 5, 7]


def test_tasks_share_batches() -> None:
    """As in the published shuffle samples, whose examples 64 and 56 were charged 11 and 8."""
    shuffle, reverse = Request(64, "x" * 935, 32, 8), Request(0, "x" * 936, 32, 11)
    other = Request(56, "x" * 929, 32, 8)
    assert shared_forwards([shuffle, other, reverse], batch=2) == [11, 8, 11]


@pytest.mark.parametrize("count", [1, 8, 9, 20])
def test_defaults_are_the_published(count: int) -> None:
    charged = shared_forwards(requests(*range(count), ranks=8))
    assert charged == [min(i // 8 * 8 + 7, count - 1) for i in range(count)]
