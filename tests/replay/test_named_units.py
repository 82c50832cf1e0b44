"""Recorded answers of functions of samplers that have a rule by name."""

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

import dllm
from samplers.base import VOID
from samplers.credit import Credit
from samplers.entropy_bound import EntropyBound
from samplers.eoser import Ascending, Eoser, ascending_blocks
from samplers.hierarchy import Hierarchy
from samplers.localleap import LocalLeap
from samplers.maskgit import MaskGit
from samplers.prophet import AnswerKnown
from samplers.scores import Confidence
from samplers.thresholds import ThresholdDinfer
from tests.replay.units import UNITS, read_of, recorded, view_of
from tests.shared import needs_vectors, vector_arrays

pytestmark = needs_vectors


def _selection(key: str) -> Any:
    """`localleap_k0.9_t0.75_W1` as the rule and its options."""
    values = [float(word.lstrip("abcdefghijklmnopqrstuvwxyzW")) for word in key.split("_")[1:]]
    if key.startswith("localleap"):
        return LocalLeap(*values)
    low, high = values
    return Hierarchy(high, low)


def _rule(key: str) -> Any:
    if key.startswith(("localleap", "hierarchy")):
        return _selection(key)
    if key.startswith("dinfer_threshold_decoder"):
        return ThresholdDinfer(float(key.rpartition("_")[2]))
    if key.startswith("d2cache_eb"):
        gamma = float(key.removesuffix("_min1").rpartition("gamma")[2])
        return EntropyBound(gamma, without="last")
    return None


@pytest.mark.parametrize("case", recorded("selection"))
def test_selections(case: dict[str, Any]) -> None:
    prediction = read_of(vector_arrays("units.npz")[case["logits_key"]], dllm.Proposal())
    view = view_of(np.asarray(case["mask"], bool))._replace(prediction=prediction)
    rules = {key: rule for key in case if (rule := _rule(key)) is not None}
    assert len(rules) >= 8
    for key, select in rules.items():
        chosen = select(view, prediction.log_confidence, jnp.int32(1)) & view.eligible
        assert np.flatnonzero(chosen).tolist() == case[key], key


@pytest.mark.parametrize("case", recorded("maskgit_linear_schedule"))
def test_maskgit_schedule(case: dict[str, Any]) -> None:
    budget, length = MaskGit.of(case["steps"], case["mode"]), case["masks"]
    memory, shares = jnp.int32(0), []
    for step in range(case["steps"]):
        share, memory = budget(memory, view_of(np.arange(length) < length * (step == 0), step))
        shares.append(int(share))
    assert shares == case["out"]


@pytest.mark.parametrize("case", recorded("eoser_factors"))
def test_eoser_factors(case: dict[str, Any]) -> None:
    low, step, total = case["gamma_min"], case["step"], case["total"]
    ascending = case["kind"] == "ass"
    view = view_of(np.ones(2**total if ascending else 4, bool), step)
    ramp = "doubling" if ascending else "block"
    score = Eoser(Confidence(), 0, max_steps=total, eos_min_gamma=low, ramp=ramp)
    scaled, _ = score((), view)  # everything is proposed with probability 1, and is token 0
    np.testing.assert_allclose(jnp.exp(scaled[0]), case["factor"], rtol=1e-6)


@pytest.mark.parametrize("case", recorded("ass_tables"))
def test_ascending_tables(case: dict[str, Any]) -> None:
    assert ascending_blocks(case["L"], case["block_num"]) == case["block_sizes"]
    left, shares = case["L"], []
    for step in range(case["S"]):
        view = view_of(np.ones(case["L"] + 5, bool), step, prompt=2)
        canvas = view.canvas.at[-3:].set(VOID)
        shares.append(min(int(Ascending()(view._replace(canvas=canvas))), left))
        left -= shares[-1]
    assert shares == case["num_transfer"]
    sums = [sum(shares[step] for step in steps) for steps in case["block_steps"]]
    assert sums == case["block_sizes"]


def test_prophet_exits() -> None:
    """Five positions with the recorded gap, in front of one with none."""
    for step, steps, gap, exits in UNITS["prophet_should_exit"]["rows"]:
        view = view_of(np.ones(8, bool), step - 1, prompt=1)
        gaps = jnp.full(8, gap).at[6:].set(0)
        shown = view._replace(prediction=view.prediction._replace(gap=gaps))
        assert bool(AnswerKnown(0, max_steps=steps)(shown, view.canvas)) == exits, (step, gap)


def test_credit_fusion() -> None:
    case, arrays = UNITS["credit_fusion"], vector_arrays("units.npz")
    vocab = arrays["credit_logits"].shape[-1]
    credit = Credit(vocab, case["alpha"], case["gamma"], case["beta"])
    memory = credit.init(jnp.zeros(4, jnp.int32))
    logits, fused = arrays["credit_logits"][:, 0], arrays["credit_fused"][:, 0]
    for step, masks in enumerate(case["masks"]):
        prediction = read_of(logits[step], dllm.Proposal(), frozenset({"log_probs"}))
        view = view_of(np.asarray(masks, bool), step)._replace(prediction=prediction)
        shown, memory = credit(memory, view)
        expected = read_of(fused[step], dllm.Proposal(), frozenset({"log_probs"}))
        open_ = np.asarray(masks, bool)
        for name in ("tokens", "log_confidence", "log_margin", "gap", "entropy", "log_probs"):
            got, wanted = (np.asarray(getattr(of, name))[open_] for of in (shown, expected))
            np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-5, err_msg=name)
    np.testing.assert_allclose(memory, arrays["credit_matrix_final"][0], rtol=1e-5, atol=1e-6)
