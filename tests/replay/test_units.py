"""Recorded answers of single functions of the published code."""

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

import dllm
from dllm.noise import Recorded
from dllm.propose import filter_logits
from samplers.budgets import Dream, Even
from samplers.named import RULES
from samplers.scores import Confidence, Entropy, Margin
from samplers.selections import Factor, Threshold, TopK
from tests.replay.units import UNITS, read_of, recorded, view_of
from tests.shared import needs_vectors, vector_arrays

pytestmark = needs_vectors


@pytest.mark.parametrize("case", recorded("num_transfer_tokens"))
def test_even_schedule(case: dict[str, Any]) -> None:
    budget, length = Even(case["steps"]), max(case["masks"], 1)
    memory, shares = jnp.int32(0), []
    for step in range(case["steps"]):
        view = view_of(np.arange(length) < case["masks"] * (step == 0), step)
        share, memory = budget(memory, view)
        shares.append(int(share))
    assert shares == case["out"]


@pytest.mark.parametrize("case", recorded("dream_schedule"))
def test_dream_schedule(case: dict[str, Any]) -> None:
    left, shares = case["masks"], []
    table = np.asarray(Dream.of(case["steps"], case["eps"]).shares)
    for step in range(case["steps"]):
        shares.append(int(np.float32(left) * table[step]))
        left -= shares[-1]
    assert shares == case["out"]


SELECTIONS = {
    "fastdllm_threshold": lambda value: (Threshold(float(value)), 1),
    "topk": lambda value: (TopK(), int(value)),
    "dinfer_factor": lambda value: (Factor(float(value), last="free"), 1),
    "d2cache_factor": lambda value: (Factor(float(value), last="waits"), 1),
    "d2cache_threshold": lambda value: (Threshold(float(value)), 1),
}


@pytest.mark.parametrize("case", recorded("selection"))
def test_selections(case: dict[str, Any]) -> None:
    logits = vector_arrays("units.npz")[case["logits_key"]]
    prediction = read_of(logits, dllm.Proposal())
    assert prediction.tokens.tolist() == case["argmax"]
    view = view_of(np.asarray(case["mask"], bool))
    checked = 0
    for key, expected in case.items():
        rule, _, value = key.removesuffix("_min1").rpartition("_")
        if rule in SELECTIONS:
            select, budget = SELECTIONS[rule](value)
            chosen = select(view, prediction.log_confidence, jnp.int32(budget)) & view.eligible
            assert np.flatnonzero(chosen).tolist() == expected, key
            checked += 1
    assert checked >= 12


@pytest.mark.parametrize("case", recorded("factor_edge_bug"))
def test_factor_at_its_edge(case: dict[str, Any]) -> None:
    factor = UNITS["factor_edge_bug"]["factor"]
    logits = vector_arrays("units.npz")[case["logits_key"]]
    scores = read_of(logits, dllm.Proposal()).log_confidence
    view = view_of(np.ones(len(logits), bool))
    for name, key in (("factor_published", "reference_selects"), ("factor", "paper_rule_selects")):
        chosen = RULES[name](factor)["select"](view, scores, jnp.int32(1))
        assert np.flatnonzero(chosen).tolist() == case[key]


def _outputs(key: str) -> list[Any]:
    outputs = UNITS.get(key, {}).get("out", {})
    return [
        pytest.param(name, out, id=f"vectors-units-{key}-{name}") for name, out in outputs.items()
    ]


def _filters(name: str) -> dict[str, Any]:
    """`entropy_topp0.8` and `top_k_3` as options."""
    text = name.replace("top_p_", "topp").replace("top_k_", "topk")
    options: dict[str, Any] = {}
    for word in text.split("_"):
        if word.startswith("topp"):
            options["top_p"] = float(word[4:])
        elif word.startswith("topk") and word[4:]:
            options["top_k"] = int(word[4:])
    return options


@pytest.mark.parametrize(("name", "out"), _outputs("dream_sample_tokens_T0"))
def test_dream_confidences(name: str, out: dict[str, Any]) -> None:
    logits = vector_arrays("units.npz")[UNITS["dream_sample_tokens_T0"]["logits_key"]]
    prediction = read_of(logits, dllm.Proposal(**_filters(name), scores="filtered"))
    scores = {"entropy": Entropy, "maskgit": Confidence, "topk": Margin, "margin": Margin}
    score = scores[name.split("_")[0]]()(
        view_of(np.ones(len(logits), bool))._replace(prediction=prediction)
    )
    published = score if name.startswith("entropy") else jnp.exp(score)
    assert prediction.tokens.tolist() == out["x0"]
    np.testing.assert_allclose(published, out["conf"], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("name", "out"), _outputs("dream_filters_kept_columns"))
def test_dream_filters(name: str, out: list[list[int]]) -> None:
    logits = vector_arrays("units.npz")[UNITS["dream_filters_kept_columns"]["logits_key"]]
    options = {"top_p": None, "top_k": None, **_filters(name)}
    kept = np.isfinite(filter_logits(jnp.asarray(logits, jnp.float32), **options))
    assert [np.flatnonzero(row).tolist() for row in kept] == out


@pytest.mark.parametrize(("name", "out"), _outputs("gumbel"))
def test_gumbel_tokens(name: str, out: dict[str, Any]) -> None:
    arrays = vector_arrays("units.npz")
    logits, uniforms = (arrays[UNITS["gumbel"][key]][0] for key in ("logits_key", "uniforms_key"))
    noise = Recorded(-np.log(-np.log(uniforms))[None].astype(np.float32))
    prediction = read_of(logits, dllm.Proposal(jnp.float32(name), noise=noise))
    assert prediction.tokens.tolist() == out["argmax"]
