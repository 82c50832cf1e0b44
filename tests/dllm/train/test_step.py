"""One step: accumulation, decay, schedule, average, dtypes."""

import dataclasses
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from dllm.load import Model
from dllm.train import OptimizerSettings, RunSettings, Settings, Shape
from dllm.train.batches import Maker
from dllm.train.optimizer import optimizer, schedule
from dllm.train.step import FINE, Metrics, State, begin, local_devices, make_step
from tests.dllm.train.runs import copying, tiny


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return tiny(tmp_path_factory.mktemp("step") / "model")


def stepped(model: Model, steps: int = 2, ema: float = 0.5, **run: Any) -> tuple[State, Metrics]:
    settings = Settings(
        (Shape(8, 5, 8),),
        OptimizerSettings(steps=4, learning_rate=1e-2, ema=ema),
        run=RunSettings(**run),
    )
    devices = local_devices(settings)
    state, metrics = begin(settings, model.network, devices), None
    step = make_step(settings, model.network, devices)
    make = Maker(model, copying, settings.shapes, 0)
    for number in range(steps):
        batch = make(number)
        state, metrics = step(state, batch.canvas, batch.start, 5)
    assert metrics is not None
    return state, metrics


def flat(tree: Any) -> np.ndarray:
    return np.concatenate([np.asarray(leaf).ravel() for leaf in jax.tree.leaves(tree)])


def test_pieces_add_up_to_the_batch(model: Model) -> None:
    whole, pieces = (stepped(model, accumulate=n)[1] for n in (1, 4))
    assert pieces.loss == pytest.approx(float(whole.loss), rel=1e-4)
    assert pieces.accuracy == pytest.approx(float(whole.accuracy))
    assert pieces.grad_norm == pytest.approx(float(whole.grad_norm), rel=1e-3)


def test_bfloat16_computes_near_float32_and_keeps_float32_weights(model: Model) -> None:
    wide, half = stepped(model, steps=1), stepped(model, steps=1, ema=0.0, dtype="bfloat16")
    assert half[1].loss == pytest.approx(float(wide[1].loss), rel=0.02)
    assert half[1].loss != wide[1].loss
    assert half[0].ema is None
    assert {leaf.dtype for leaf in jax.tree.leaves(half[0].params)} == {np.dtype(np.float32)}


def test_average_follows_the_weights(model: Model) -> None:
    first, second = (stepped(model, steps=n)[0] for n in (1, 2))
    begun = flat(model.network.state)
    # Decays 1/10 and 2/11, since the average is young.
    one = begun / 10 + flat(first.params) * 9 / 10
    np.testing.assert_allclose(flat(first.ema), one, rtol=5e-7, atol=1e-7)
    two = one * 2 / 11 + flat(second.params) * 9 / 11
    np.testing.assert_allclose(flat(second.ema), two, rtol=5e-7, atol=1e-7)


def test_the_model_that_was_given_is_left_alone(model: Model) -> None:
    before = flat(model.network.state)
    stepped(model)
    np.testing.assert_array_equal(flat(model.network.state), before)


def test_nothing_moves_after_a_loss_that_is_not_finite(model: Model) -> None:
    ruined = dataclasses.replace(model.network, state=jax.tree.map(jnp.copy, model.network.state))
    keys, variable = nnx.to_flat_state(ruined.state)[0]
    ruined.state.update(nnx.from_flat_state([(keys, variable.replace(variable[...] * jnp.nan))]))
    begun = flat(ruined.state)
    state, metrics = stepped(dataclasses.replace(model, network=ruined), steps=3)
    assert (state.failed, state.step, metrics.failed) == (0, 0, 0)
    np.testing.assert_array_equal(flat(state.params), begun)
    assert stepped(model)[0].failed == FINE


def test_schedule() -> None:
    cosine = schedule(OptimizerSettings(steps=10, learning_rate=2.0, warmup=4))
    with jax.numpy_dtype_promotion("standard"):
        rates = [float(jnp.asarray(cosine(step))) for step in range(10)]
    np.testing.assert_allclose(rates[:4], [0.5, 1.0, 1.5, 2.0])
    fallen = 1 + np.cos(np.pi * np.arange(1, 7) / 6)
    np.testing.assert_allclose(rates[4:], fallen, atol=1e-6)
    constant = schedule(OptimizerSettings(steps=9, learning_rate=2.0, schedule="constant"))
    with jax.numpy_dtype_promotion("standard"):
        assert [float(jnp.asarray(constant(step))) for step in (0, 8)] == [2.0, 2.0]


def test_adamw_decays_matrices_alone() -> None:
    settings = OptimizerSettings(steps=9, learning_rate=0.1, schedule="constant", weight_decay=0.5)
    chain = optimizer(settings)
    params = {"matrix": jnp.ones((2, 2)), "norm": jnp.ones(2)}
    zero = jax.tree.map(jnp.zeros_like, params)
    with jax.numpy_dtype_promotion("standard"):
        updates, _ = chain.update(zero, chain.init(params), params)
    np.testing.assert_allclose(updates["matrix"], -0.05)  # type: ignore[index]
    np.testing.assert_allclose(updates["norm"], 0)  # type: ignore[index]


def test_clipping(model: Model) -> None:
    params = {"x": jnp.ones(4)}
    gradient = {"x": jnp.full(4, 100.0)}
    moments = {}
    for clip in (0.0, 1.0):
        chain = optimizer(OptimizerSettings(steps=9, learning_rate=0.1, clip=clip))
        with jax.numpy_dtype_promotion("standard"):
            _, state = chain.update(gradient, chain.init(params), params)
        moments[clip] = flat(state)
    assert moments[1.0].max() == pytest.approx(1.0)  # the count
    assert moments[0.0].max() > 100


def test_batches_that_devices_cannot_share(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(jax, "local_devices", lambda: [object()] * 3)
    settings = Settings(
        (Shape(8, 5, 8),), OptimizerSettings(4, 1e-2), run=RunSettings(accumulate=2)
    )
    expected = "shapes.batch over run.accumulate must divide by the 3 local devices, got 4"
    with pytest.raises(ValueError, match=expected):
        local_devices(settings)
