"""More rows than the batch holds."""

from typing import Any

import numpy as np
import pytest

import dllm
from dllm.decode import plan_program
from dllm.pool import Pool, Slots
from dllm.toy import random_chain
from tests.batches import assert_same_rows
from tests.rules import RULES

CHAIN = random_chain(0)


def _many_rows(number: int) -> dllm.Rows:
    random = np.random.default_rng(number)
    prompts = [random.integers(0, 16, size=random.integers(1, 8)).tolist() for _ in range(number)]
    answers = random.choice([8, 16, 24, 32], size=number).tolist()
    return dllm.rows(prompts, answers, 8, seed=5, length=40)


@pytest.mark.parametrize("name", ["threshold", "history"])
def test_slots_are_refilled_and_tokens_stay(name: str) -> None:
    rows = _many_rows(48)
    seen = []
    pooled = dllm.decode_many(
        CHAIN,
        rows,
        RULES[name],
        dllm.Proposal(1.0),
        batch=8,
        progress=lambda ended, total: seen.append((ended, total)),
    )
    together = dllm.decode(CHAIN, rows, RULES[name], dllm.Proposal(1.0))
    assert_same_rows(together, pooled.decoded)
    np.testing.assert_array_equal(pooled.decoded.forwards, together.forwards)
    assert pooled.occupancy >= 0.9
    assert pooled.forwards < 48 / 8 * int(together.forwards.max())
    assert seen[-1] == (48, 48)
    assert [ended for ended, _ in seen] == sorted({ended for ended, _ in seen})


@pytest.mark.parametrize("number", [3, 8, 9])
def test_any_number_of_rows(number: int) -> None:
    rows = _many_rows(number)
    pooled = dllm.decode_many(CHAIN, rows, RULES["threshold"], batch=8, num_drafts=2, refill=3)
    assert_same_rows(dllm.decode(CHAIN, rows, RULES["threshold"]), pooled.decoded)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch": 0}, "decode_many: batch must be at least 1, got 0"),
        ({"batch": 4, "refill": 0}, "decode_many: refill must be at least 1, got 0"),
        ({"batch": 4, "refill": -1}, "decode_many: refill must be at least 1, got -1"),
    ],
)
def test_refuses_bad_sizes(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        dllm.decode_many(CHAIN, _many_rows(3), RULES["threshold"], **options)


def test_a_visitor_sees_the_batch_and_may_end_rows() -> None:
    rows, seen = _many_rows(12), []
    settings = plan_program(rows, RULES["threshold"])

    def visit(slots: Slots) -> list[int]:
        seen.append(slots)
        return [slot for slot, row in enumerate(slots.held) if row == 5]

    pool = Pool(
        CHAIN, rows, RULES["threshold"], batch=4, settings=settings, glance=0.0, visit=visit
    )
    ended = dict(pool)
    plain = dllm.decode(CHAIN, rows, RULES["threshold"])
    assert sorted(ended) == list(range(12))
    assert ended[5].outcome == dllm.Outcome.ENDED
    for row in set(range(12)) - {5}:
        assert ended[row].canvas.tolist() == plain.canvas[row].tolist()
    for slots in seen:
        for row, canvas, settled in zip(*slots, strict=True):
            assert row < 0 or not np.any(canvas[:settled] == dllm.MASK)
