"""More rows than the batch holds."""

import numpy as np
import pytest

import dllm
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


def test_refuses_an_empty_batch() -> None:
    with pytest.raises(ValueError, match="decode_many: batch must be at least 1, got 0"):
        dllm.decode_many(CHAIN, _many_rows(3), RULES["threshold"], batch=0)
