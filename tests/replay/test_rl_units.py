"""Recorded losses and gradients of CJ-GRPO's published code, and of its paper's Eq. 11."""

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array, Bool, Float, Int

from dllm.rl.objective import (
    Coefficients,
    Measured,
    advantages,
    log_probs,
    measure,
    weights,
)
from samplers import MASK
from tests.replay.published import toy_of
from tests.replay.units import UNITS
from tests.shared import needs_vectors, vector_arrays
from tests.toys import Tanh, masked

pytestmark = needs_vectors

POLICIES = ("new", "old", "ref")


def _cases() -> list[Any]:
    found = UNITS.get("cj_grpo", {})
    common = {name: value for name, value in found.items() if not isinstance(value, dict)}
    return [
        pytest.param(name, {**common, **case}, id=f"vectors-units-cj_grpo-{name}")
        for name, case in found.items()
        if isinstance(case, dict)
    ]


class Asked(NamedTuple):
    """Transitions of all rows, one after the other."""

    canvas: Int[Array, "items length"]
    start: Int[Array, " items"]
    targets: Int[Array, "items positions"]
    written: Bool[Array, "rows steps positions"]
    gains: Float[Array, " rows"]


class Recorded:
    """Arrays of a case; those that it has none of are shared by all."""

    def __init__(self, name: str, case: dict[str, Any]) -> None:
        self._arrays = vector_arrays("units.npz")
        self._own = "cj_" + name.removesuffix("_counts").replace("equal", "eq")
        self._case = case

    def __getitem__(self, what: str) -> np.ndarray:
        own = f"{self._own}_{what}"
        return self._arrays[own if own in self._arrays else f"cj_{what}"]

    def asked(self) -> Asked:
        """What the policies are asked about."""
        states = jnp.asarray(masked(self["traj"]), jnp.int32).swapaxes(0, 1)
        prompt, answer = self._case["prompt_len"], self._case["gen_length"]
        canvas = states[:, :-1].reshape(-1, states.shape[2])
        targets = states[:, 1:, prompt : prompt + answer].reshape(-1, answer)
        written = jnp.asarray(self["unmask"]).swapaxes(0, 1) > 0
        gains = jnp.asarray(self._case["advantages"], jnp.float32)
        start = jnp.full(canvas.shape[0], prompt, jnp.int32)
        return Asked(canvas, start, targets, written, gains)

    def toy(self, policy: str) -> Tanh:
        """The model with a policy's head."""
        toy = toy_of({"toy": {"gain": self._case["gain"], "bias": self._case["bias"]}})
        return _with_head(toy, np.asarray(self[f"U_{policy}"], np.float32))

    def toys(self) -> list[Tanh]:
        """The model, as it was, and as the reference."""
        return list(map(self.toy, POLICIES))


def _with_head(toy: Tanh, head: Any) -> Tanh:
    return dataclasses.replace(toy, params={**toy.params, "U": head})


@jax.jit
def _log_probs(toy: Tanh, asked: Asked) -> Array:
    found = log_probs(toy, asked.canvas, asked.start, asked.targets)
    return found.reshape(asked.written.shape)


@jax.jit
def _learnt(toys: list[Tanh], asked: Asked, told: Coefficients) -> tuple[Any, Array]:
    """(loss as coded, (loss of the paper, what else was measured)) and the head's gradient."""
    old, reference = (_log_probs(toy, asked) for toy in toys[1:])
    rows, steps = asked.written.shape[:2]
    gains = jnp.broadcast_to(asked.gains[:, None], (rows, steps))

    def measured(new: Array, normalisation: str) -> Measured:
        counts = weights(asked.written, jnp.full(rows, steps), normalisation)
        return measure(new, old, reference, gains, counts, told)

    def loss(head: Array) -> tuple[Array, tuple[Array, Measured]]:
        new = _log_probs(_with_head(toys[0], head), asked)
        code = measured(new, "code")
        return code.loss, (measured(new, "paper").loss, code)

    return jax.value_and_grad(loss, has_aux=True)(toys[0].params["U"])


@pytest.mark.parametrize(("name", "case"), _cases())
def test_advantages(name: str, case: dict[str, Any]) -> None:
    rewards, expected = np.array(case["rewards"]), case["advantages"]
    sizes = [size for size in range(2, len(rewards) + 1) if len(rewards) % size == 0]
    assert any(np.allclose(advantages(rewards, size), expected) for size in sizes)


@pytest.mark.parametrize(("name", "case"), _cases())
def test_log_probs(name: str, case: dict[str, Any]) -> None:
    found = Recorded(name, case)
    asked = found.asked()
    tokens = np.asarray(asked.targets != MASK).reshape(asked.written.shape)
    for policy, toy in zip(POLICIES, found.toys(), strict=True):
        expected = found[f"logp_{policy}"].swapaxes(0, 1)
        got = np.asarray(_log_probs(toy, asked))
        np.testing.assert_allclose(got[tokens], expected[tokens], atol=1e-5)


@pytest.mark.parametrize(("name", "case"), _cases())
def test_loss_and_gradient(name: str, case: dict[str, Any]) -> None:
    found = Recorded(name, case)
    told = Coefficients(jnp.float32(case["epsilon"]), jnp.float32(case["beta"]))
    (code, (paper, measured)), gradient = _learnt(found.toys(), found.asked(), told)
    assert float(paper) == pytest.approx(case["loss_paper_eq11"], abs=1e-5)
    assert float(code) == pytest.approx(case["loss_reference_code"], abs=1e-5)
    np.testing.assert_allclose(gradient, found["grad_U"], atol=1e-5)
    assert float(measured.kl) == pytest.approx(case["mean_kl"], abs=1e-5)
    # The shipped metric counts ratios that are out of bounds and are not cut.
    shipped = float(measured.outside - measured.clipped)
    assert shipped == pytest.approx(case["clip_ratio"], abs=1e-5)
