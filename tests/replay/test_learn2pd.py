"""Recorded runs of Learn2PD's oracle, its filter and its training; decoding is in `test_named`."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dllm import learn2pd
from dllm.learn2pd.collection import used
from samplers.filter import Filter, Linear
from tests.reference import learn2pd as reference
from tests.replay.published import STEPS, replay_rows, toy_of
from tests.shared import needs_vectors, vector_arrays, vector_cases
from tests.toys import masked

TRACE = "learn2pd_training_trace.npz"

pytestmark = needs_vectors


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=f"vectors-learn2pd_egp-{case['case']}")
        for case in vector_cases("learn2pd_egp")
    ],
)
def test_oracle_replays(case: dict[str, Any]) -> None:
    """Answer, canvases, calls and records; confidences within a millionth."""
    rows = replay_rows(case)
    ended, found = learn2pd.oracle_records(toy_of(case), rows, 8, record=STEPS)
    length = len(case["final"][0])
    assert case["reported"]["correct_answer"] == case["final"]
    assert ended.forwards.tolist() == [case["nfe"]]
    for step, state in enumerate(case["states"]):
        assert ended.trajectory[:, step, :length].tolist() == masked(state).tolist(), step
    assert ended.canvas[:, :length].tolist() == case["final"]
    assert ended.log[0, : case["nfe"], :4].tolist() == [[0, 0, length, 0]] * case["nfe"]
    records, wanted = used(found, 1), case["records"]
    assert records.step.tolist() == [record["step"] for record in wanted]
    assert records.correct.tolist() == [record["is_correct"] for record in wanted]
    expected = [record["confidence"] for record in wanted]
    np.testing.assert_allclose(records.confidence, expected, rtol=0, atol=2e-6)


@pytest.mark.parametrize(
    ("shown", "wanted"), [("x", "y"), ("xshort", "yshort")], ids=["vectors-whole", "vectors-short"]
)
def test_filter_gives_recorded_logits(shown: str, wanted: str) -> None:
    arrays = vector_arrays("units.npz")
    made = _filter(arrays, "filter32_")
    logits = np.stack([made(jnp.asarray(row)) for row in arrays[f"filter32_{shown}"]])
    np.testing.assert_allclose(logits, arrays[f"filter32_{wanted}"], rtol=0, atol=1e-6)


def _filter(arrays: dict[str, np.ndarray], prefix: str) -> Filter:
    return Filter(
        tuple(
            Linear(arrays[f"{prefix}linear{i}.weight"], arrays[f"{prefix}linear{i}.bias"])
            for i in (1, 2)
        )
    )


NOISE = {1: 1e-7, 10: 1e-6, 200: 2e-4}
"""What float32 is worth in a weight after so many epochs: `reference.train`, the same in float64,
is 2e-8, 2e-7 and 1.1e-4 away from the recording."""


def test_training_follows_vectors_trace() -> None:
    """Losses of 200 epochs within 1e-6, weights within what float32 is worth."""
    arrays = vector_arrays(TRACE)
    start, data = _filter(arrays, "init_"), (arrays["X"], arrays["Y"])
    made = learn2pd.Trained(start, np.zeros(0, np.float32), [])
    for epochs, noise in NOISE.items():
        made = learn2pd.fit(start, *data, learn2pd.FitSettings(epochs=epochs))
        np.testing.assert_allclose(made.losses, arrays["losses"][:epochs], rtol=0, atol=1e-6)
        wanted = _filter(arrays, f"after{epochs}_")
        for layer, other in zip(made.filter.layers, wanted.layers, strict=True):
            np.testing.assert_allclose(layer.weight, other.weight, rtol=0, atol=noise)
            np.testing.assert_allclose(layer.bias, other.bias, rtol=0, atol=noise)
    logits = jax.vmap(made.filter)(jnp.asarray(arrays["X"]))
    # Sums of eight such weights; those of the twin in float64 are 3.2e-4 away.
    np.testing.assert_allclose(logits, arrays["logits_after200"], rtol=0, atol=5e-4)


def test_twin_of_training_is_as_near_to_vectors() -> None:
    arrays = vector_arrays(TRACE)
    start = [(arrays[f"init_linear{i}.weight"], arrays[f"init_linear{i}.bias"]) for i in (1, 2)]
    made, losses = reference.train(start, arrays["X"], arrays["Y"], 200)
    np.testing.assert_allclose(losses, arrays["losses"], rtol=0, atol=1e-6)
    for i, (weight, bias) in enumerate(made, 1):
        for name, value in (("weight", weight), ("bias", bias)):
            wanted = arrays[f"after200_linear{i}.{name}"]
            np.testing.assert_allclose(value, wanted, rtol=0, atol=NOISE[200])
