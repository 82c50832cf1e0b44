"""The loop: what it reaches, writes, refuses."""

import json
import resource
import shutil
from collections.abc import Iterator
from pathlib import Path

import jax
import numpy as np
import pytest

import dllm
from dllm.load import Model
from dllm.train import (
    CheckpointWriteError,
    HeldOut,
    NotFiniteError,
    OptimizerSettings,
    RunSettings,
    Settings,
    Shape,
    jsonl_source,
    read_metrics,
    train,
)
from tests.dllm.train.runs import copying, curve, in_a_process, settings, tiny


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return tiny(tmp_path_factory.mktemp("train") / "base")


def test_smoke_config_reaches_its_loss(tmp_path: Path, model: Model) -> None:
    chosen = Settings(
        shapes=(Shape(8, 5, 32),),
        optimizer=OptimizerSettings(steps=150, learning_rate=2e-2, warmup=10, ema=0.9),
        run=RunSettings(evaluate_every=150),
    )
    found: dict[str, float] = {}
    held_out = HeldOut(chosen, copying)

    def evaluate(step: int, now: Model) -> dict[str, float]:
        found.update(held_out(step, now))
        return found

    train(chosen, copying, out=tmp_path, model=model, evaluate=evaluate)
    rows = curve(tmp_path)
    assert rows[0]["loss"] > 5
    assert np.mean([row["loss"] for row in rows[-20:]]) < 0.35
    assert found["loss"] < 0.35
    assert found["accuracy"] > 0.9
    assert read_metrics(tmp_path / "metrics.jsonl")[-1] == {"step": 150, "evaluation": found}
    trained = dllm.load(tmp_path / "model")
    answers = dllm.generate(trained, ["a2", "c3"], gen_length=5)
    assert [answer.text for answer in answers] == ["aa", "ccc"]


def test_metrics(tmp_path: Path, model: Model, capfd: pytest.CaptureFixture[str]) -> None:
    train(settings(), copying, out=tmp_path, model=model, progress=True)
    rows = read_metrics(tmp_path / "metrics.jsonl")
    keys = "step loss accuracy grad_norm learning_rate examples seconds waiting shape"
    assert all(list(row) == keys.split() for row in rows)
    assert [row["examples"] for row in rows] == [8, 16, 24, 32, 40, 48]
    rates = [row["learning_rate"] for row in rows]
    assert rates[:2] == pytest.approx([5e-3, 1e-2])
    assert rates[-1] == pytest.approx(0)
    assert all(0 <= row["waiting"] <= 1 for row in rows)
    shown = capfd.readouterr()
    assert "examples/s" in shown.err
    assert not shown.out


def test_evaluation_sees_the_average_and_may_keep_it(tmp_path: Path, model: Model) -> None:
    seen: dict[int, Model] = {}

    def evaluate(step: int, now: Model) -> dict[str, float]:
        seen[step] = now
        return {"score": step / 2}

    chosen = settings(evaluate_every=4, checkpoint_every=1)
    trained = train(chosen, copying, out=tmp_path, model=model, evaluate=evaluate)
    assert list(seen) == [4, 6]
    leaves = [jax.tree.leaves(m.network.state) for m in (seen[6], trained)]
    for one, other in zip(*leaves, strict=True):
        np.testing.assert_array_equal(one, other)
    found = [r for r in read_metrics(tmp_path / "metrics.jsonl") if "evaluation" in r]
    assert found[0] == {"step": 4, "evaluation": {"score": 2.0}}
    folders = sorted(path.name for path in (tmp_path / "checkpoints").iterdir())
    assert folders == ["5", "6"]


def test_a_loss_that_is_not_finite_stops_the_run(tmp_path: Path, model: Model) -> None:
    chosen = settings(rate=1e30, checkpoint_every=1, log_every=100)
    expected = r"step 2: loss and gradient must be finite, got .* nan; the checkpoint of step 1"
    with pytest.raises(NotFiniteError, match=expected):
        train(chosen, copying, out=tmp_path, model=model)
    assert [row["step"] for row in curve(tmp_path)] == [1]
    ruined = jax.tree.map(lambda leaf: leaf * np.float32(np.nan), model.network.state)
    network = type(model.network)(ruined, model.network.mask, model.network.graph)
    lost = type(model)(**{**vars(model), "network": network})
    with pytest.raises(NotFiniteError, match=r"step 1: .*; no checkpoint was written"):
        train(settings(), copying, out=tmp_path / "other", model=lost)


@pytest.fixture
def small_files() -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.usefixtures("small_files")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_failed_write_leaves_the_checkpoint_before_it(tmp_path: Path, model: Model) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def evaluate(step: int, _: Model) -> dict[str, float]:
        if step == 3:
            resource.setrlimit(resource.RLIMIT_FSIZE, (8192, before[1]))
        return {}

    chosen = settings(evaluate_every=1)
    expected = r"checkpoints: the checkpoint of step 4 was not written .* of step 2 is kept"
    with pytest.raises(CheckpointWriteError, match=expected):
        train(chosen, copying, out=tmp_path / "cut", model=model, evaluate=evaluate)
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    train(chosen, copying, out=tmp_path / "cut", model=model)
    train(chosen, copying, out=tmp_path / "whole", model=model)
    assert curve(tmp_path / "cut") == curve(tmp_path / "whole")


def test_a_full_disk_is_seen_before_it_is_written_to(
    tmp_path: Path, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=10))
    expected = r"step 2 was not written \(it takes \d+ bytes, the disk has 10\); no checkpoint was"
    with pytest.raises(CheckpointWriteError, match=expected):
        train(settings(), copying, out=tmp_path, model=model)


def test_what_goes_wrong_with_data_ends_the_run(tmp_path: Path, model: Model) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps({"prompt": "a" * 9, "answer": "b"}) + "\n")
    with pytest.raises(ValueError, match="shape of 8 positions and 5 answer tokens"):
        train(settings(), jsonl_source(path), out=tmp_path, model=model)


def test_weights_in_int8_are_refused_before_the_first_step(tmp_path: Path, model: Model) -> None:
    whole = dllm.load(model.name, weights="int8")
    with pytest.raises(ValueError, match="weights in int8 cannot be trained"):
        train(settings(), copying, out=tmp_path, model=whole)


def test_an_interrupt_says_what_is_kept(tmp_path: Path, model: Model) -> None:
    def evaluate(step: int, _: Model) -> dict[str, float]:
        if step == 5:
            raise KeyboardInterrupt
        return {}

    with pytest.raises(KeyboardInterrupt, match="while training; the checkpoint of step 4 is kept"):
        train(settings(evaluate_every=1), copying, out=tmp_path, model=model, evaluate=evaluate)


def test_two_devices_give_the_losses_of_one(tmp_path: Path, model: Model) -> None:
    two = in_a_process(tmp_path / "two", Path(model.name), devices=2, accumulate=2)
    train(settings(), copying, out=tmp_path / "one", model=model)
    assert two.wait(120) == 0, (tmp_path / "two.log").read_text()
    one_curve, two_curve = curve(tmp_path / "one"), curve(tmp_path / "two")
    assert [row["step"] for row in two_curve] == list(range(1, 7))
    for name in ("loss", "grad_norm"):
        expected = [row[name] for row in one_curve]
        np.testing.assert_allclose([row[name] for row in two_curve], expected, rtol=1e-4)
