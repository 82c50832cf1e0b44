"""Rules that look again at what they wrote, five rows of a batch at once, against NumPy."""

from typing import Any

import jax
import numpy as np
import pytest

import dllm
from tests.reference import cases
from tests.replay.published import replays
from tests.toys import masked

PROMPTS = [[1, 2, 3], [4], [5, 6, 7, 8, 9], [3, 1], [20, 0, 7, 2]]
SHAPE = {"gen_length": 12, "block_length": 6}
RUNS = [
    ("wino", {"threshold": 0.3, "threshold_back": 0.3, "published": True}),
    pytest.param(
        "wino",
        {"threshold": 0.3, "threshold_back": 0.3, "published": False},
        marks=pytest.mark.slow,
    ),
    (
        "editing",
        {"threshold": 0.4, "editing_threshold": 0.3, "max_post_steps": 4, "least": 1},
    ),
]


@pytest.mark.parametrize(("kind", "options"), RUNS)
def test_five_rows_equal_numpy(kind: str, options: dict[str, Any]) -> None:
    revoked = 0
    for seed in range(12):
        toy = cases.random_toy(seed, 6.0)
        listed = [cases.make(kind, {**SHAPE, **options}, prompt, toy) for prompt in PROMPTS]
        (replay,) = replays({**listed[0], "prompt": PROMPTS}, kind)
        ended = jax.device_get(
            dllm.decode(replay.model, replay.rows, replay.scheduler, replay.proposal, record=32)
        )
        for row, case in enumerate(listed):
            length, forwards = len(case["final"][0]), case["nfe"]
            frames = ended.trajectory[row, :forwards, :length]
            same = ended.forwards[row] == forwards and np.array_equal(
                frames, masked(case["states"])[:, 0]
            )
            if not same:
                assert cases.is_tied(case, kind, 0)
            else:
                assert ended.canvas[row, :length].tolist() == case["final"][0]
            revoked += int(np.sum((frames[:-1] >= 0) & (frames[:-1] != frames[1:])))
    assert revoked > 5, "nothing was taken back or edited"
