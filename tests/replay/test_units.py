"""Recorded answers of single functions of the published code."""

import json
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import dllm
from dllm.noise import Recorded
from dllm.propose import Scene, filter_logits, read
from samplers.base import View
from samplers.budgets import Dream, Even
from samplers.named import RULES
from samplers.scores import Confidence, Entropy, Margin
from samplers.selections import FactorPublished, Threshold, TopK
from tests.shared import VECTORS, needs_vectors, vector_arrays

pytestmark = needs_vectors

PATH = VECTORS / "units.json"
UNITS: dict[str, Any] = json.loads(PATH.read_text()) if PATH.is_file() else {}


def _cases(key: str) -> list[Any]:
    return [
        pytest.param(case, id=f"vectors-units-{key}-{i}") for i, case in enumerate(_listed(key))
    ]


def _listed(key: str) -> list[Any]:
    found = UNITS.get(key, [])
    return found["cases"] if isinstance(found, dict) else found


def _view(masked: np.ndarray, step: int = 0) -> View:
    numbers = {"prompt": 0, "start": 0, "end": len(masked), "block": 0, "blocks": 1}
    place = dllm.Place(
        **{name: jnp.int32(n) for name, n in {**numbers, "step": step, "total": step}.items()}
    )
    zeros, eligible = jnp.zeros(len(masked)), jnp.asarray(masked)
    prediction = dllm.Prediction(
        jnp.zeros(len(masked), jnp.int32), zeros, zeros, zeros, zeros, eligible, eligible
    )
    canvas = jnp.where(eligible, dllm.MASK, 0)
    return View(jax.random.key(0), canvas, prediction, place, eligible)


def _read(logits: np.ndarray, proposal: dllm.Proposal) -> dllm.Prediction:
    window = len(logits)
    scene = Scene(jax.random.key(0), jnp.int32(0), jnp.arange(window), jnp.full(window, dllm.MASK))
    return read(proposal, frozenset(), scene, jnp.asarray(logits, jnp.float32))


@pytest.mark.parametrize("case", _cases("num_transfer_tokens"))
def test_even_schedule(case: dict[str, Any]) -> None:
    budget, length = Even(case["steps"]), max(case["masks"], 1)
    memory, shares = jnp.int32(0), []
    for step in range(case["steps"]):
        view = _view(np.arange(length) < case["masks"] * (step == 0), step)
        share, memory = budget(memory, view)
        shares.append(int(share))
    assert shares == case["out"]


@pytest.mark.parametrize("case", _cases("dream_schedule"))
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
    "dinfer_factor": lambda value: (FactorPublished(float(value)), 1),
}


@pytest.mark.parametrize("case", _cases("selection"))
def test_selections(case: dict[str, Any]) -> None:
    logits = vector_arrays("units.npz")[case["logits_key"]]
    prediction = _read(logits, dllm.Proposal())
    assert prediction.tokens.tolist() == case["argmax"]
    view = _view(np.asarray(case["mask"], bool))
    checked = 0
    for key, expected in case.items():
        rule, _, value = key.rpartition("_")
        if rule in SELECTIONS:
            select, budget = SELECTIONS[rule](value)
            chosen = select(view, prediction.log_confidence, jnp.int32(budget)) & view.eligible
            assert np.flatnonzero(chosen).tolist() == expected, key
            checked += 1
    assert checked >= 3


@pytest.mark.parametrize("case", _cases("factor_edge_bug"))
def test_factor_at_its_edge(case: dict[str, Any]) -> None:
    factor = UNITS["factor_edge_bug"]["factor"]
    logits = vector_arrays("units.npz")[case["logits_key"]]
    scores = _read(logits, dllm.Proposal()).log_confidence
    view = _view(np.ones(len(logits), bool))
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
    prediction = _read(logits, dllm.Proposal(**_filters(name), scores="filtered"))
    scores = {"entropy": Entropy, "maskgit": Confidence, "topk": Margin, "margin": Margin}
    score = scores[name.split("_")[0]]()(
        _view(np.ones(len(logits), bool))._replace(prediction=prediction)
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
    prediction = _read(logits, dllm.Proposal(jnp.float32(name), noise=noise))
    assert prediction.tokens.tolist() == out["argmax"]
