"""Inner updates: pieces add up, the first is on policy, memory stays."""

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dllm.load import Model
from dllm.rl import LoraSettings, ObjectiveSettings, RolloutSettings, Settings
from dllm.rl.items import Items
from dllm.rl.lora import merged
from dllm.rl.objective import Coefficients
from dllm.rl.update import Metrics, begin, learn, make_programs
from dllm.train import OptimizerSettings, RunSettings
from dllm.train.step import State
from samplers import MASK
from tests.dllm.train.runs import tiny

LENGTH, WINDOW = 12, 8


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return tiny(tmp_path_factory.mktemp("update") / "base")


def chosen(beta: float = 0.1, lora: bool = False, **run: Any) -> Settings:
    return Settings(
        RolloutSettings("ass", positions=LENGTH, answer=WINDOW, prompts=2, group=2),
        OptimizerSettings(steps=9, learning_rate=1e-2, schedule="constant"),
        ObjectiveSettings(updates=3, epsilon=0.2, beta=beta),
        LoraSettings(rank=2, alpha=4.0) if lora else None,
        RunSettings(**run),
    )


def items(pieces: int, piece: int, seed: int = 0) -> Items:
    """Random transitions, the same ones however they are cut."""
    random, number = np.random.default_rng(seed), pieces * piece
    start = random.integers(1, LENGTH - WINDOW + 1, number).astype(np.int32)
    canvas = random.integers(0, 255, (number, LENGTH)).astype(np.int32)
    canvas = np.where(np.arange(LENGTH) >= start[:, None], MASK, canvas).astype(np.int32)
    targets = random.integers(0, 255, (number, WINDOW)).astype(np.int32)
    written = random.random((number, WINDOW)) < 0.4
    targets = np.where(written, targets, MASK).astype(np.int32)
    counts = (written / written.sum()).astype(np.float32)
    gains = random.normal(size=number).astype(np.float32)
    made = (canvas, start, targets, counts, gains)
    return Items(*(leaf.reshape(pieces, piece, *leaf.shape[1:]) for leaf in made))


def ran(model: Model, settings: Settings, asked: Items) -> tuple[State, list[Metrics]]:
    """The inner updates of a run's first rollout."""
    state, programs = begin(settings, model.network), make_programs(settings, model.network)
    state, found = learn(programs, settings.objective, state, model.network.state, asked)
    return state, jax.device_get(found)


def flat(tree: Any) -> np.ndarray:
    return np.concatenate([np.asarray(leaf).ravel() for leaf in jax.tree.leaves(tree)])


def test_pieces_add_up_and_the_first_update_is_on_policy(model: Model) -> None:
    _, whole = ran(model, chosen(), items(1, 4))
    _, cut = ran(model, chosen(), items(4, 1))
    for ours, theirs in zip(whole, cut, strict=True):
        np.testing.assert_allclose(flat(ours.measured), flat(theirs.measured), atol=2e-5)
        assert ours.grad_norm == pytest.approx(float(theirs.grad_norm), rel=1e-3)
    first, *later = whole
    assert first.measured.outside == first.measured.clipped == 0
    assert first.measured.kl == pytest.approx(0, abs=1e-6)
    assert later[-1].measured.outside > 0
    assert later[-1].measured.kl > 1e-4


def test_no_advantage_is_no_gradient_beside_the_divergence(model: Model) -> None:
    still = items(4, 1)._replace(advantage=np.zeros((4, 1), np.float32))
    state, metrics = ran(model, chosen(beta=0.0), still)
    assert metrics[0].grad_norm == 0
    np.testing.assert_array_equal(flat(state.params), flat(model.network.state))
    assert ran(model, chosen(), items(4, 1))[1][0].grad_norm > 1e-3


def test_adapters_begin_as_the_model_and_are_all_that_moves(model: Model) -> None:
    state, _ = ran(model, chosen(lora=True), items(4, 1))
    begun = begin(chosen(lora=True), model.network).params
    assert {adapter.down.shape[0] for adapter in begun.values()} == {2}
    assert len(begun) == 7  # of one layer
    same = merged(model.network.state, begun, 2.0)
    np.testing.assert_array_equal(flat(same), flat(model.network.state))
    name = "layers.0.attention.query.weight"
    down, up = state.params[name]
    moved = merged(model.network.state, state.params, 2.0)
    before, after = (
        np.asarray(weights["layers"][0]["attention"]["query"]["weight"][...])
        for weights in (model.network.state, moved)
    )
    np.testing.assert_allclose(after, before + 2.0 * np.asarray(up) @ np.asarray(down), atol=1e-5)
    assert np.any(after != before)


def memory(model: Model, settings: Settings, asked: Items) -> int:
    """Bytes that an update takes, arguments and all."""
    update = make_programs(settings, model.network).update
    shapes = jax.eval_shape(lambda: begin(settings, model.network))
    told, one = jnp.zeros(asked.targets.shape, jnp.float32), jnp.float32(1)
    first = (jnp.bool_(False), Coefficients(one, one))
    arguments = (shapes, model.network.state, asked, told, told, *first)
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        taken = update.lower(*arguments).compile().memory_analysis()
    return taken.temp_size_in_bytes + taken.argument_size_in_bytes + taken.output_size_in_bytes


def test_memory_does_not_grow_with_transitions(tmp_path: Path) -> None:
    wide = tiny(tmp_path / "wide", d_model=128, vocab_size=2048, embedding_size=2048)
    few, many = (memory(wide, chosen(), items(steps, 8)) for steps in (8, 64))
    assert many / few < 1.1
