"""The loop: what it learns, writes and refuses."""

import dataclasses
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flax import nnx

import dllm
from dllm.load import Model
from dllm.rl import RewardError, train
from dllm.train import read_metrics
from tests.dllm.rl.runs import curve, dying, letters, plain, settings
from tests.dllm.train.runs import tiny


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rl") / "base"
    tiny(folder)
    return folder


@pytest.fixture(scope="module")
def model(base: Path) -> Model:
    return tiny(base)


def weights(out: Path) -> bytes:
    return (out / "model" / "model.safetensors").read_bytes()


def evaluations(out: Path) -> list[dict[str, Any]]:
    return [row for row in read_metrics(out / "metrics.jsonl") if "evaluation" in row]


def test_a_run_that_is_cut_off_goes_on_bit_for_bit(tmp_path: Path, model: Model) -> None:
    seen: list[int] = []

    def evaluate(step: int, now: Model) -> dict[str, float]:
        seen.append(step)
        if seen == [0, 2, 4]:
            raise RuntimeError("cut off")
        return {"score": step / 2}

    same = settings(evaluate_every=2)
    told: Any = {"model": model, "evaluate": evaluate, "progress": False}
    with pytest.raises(RuntimeError, match="cut off"):
        train(same, letters, [plain], out=tmp_path / "cut", **told)
    for name in ("cut", "whole"):
        train(same, letters, [plain], out=tmp_path / name, **told)
    assert seen == [0, 2, 4, 4, 6, 0, 2, 4, 6]
    assert evaluations(tmp_path / "cut") == evaluations(tmp_path / "whole")
    assert curve(tmp_path / "cut") == curve(tmp_path / "whole")
    assert weights(tmp_path / "cut") == weights(tmp_path / "whole")
    rows = read_metrics(tmp_path / "whole" / "metrics.jsonl")
    assert rows[-1] == {"step": 6, "evaluation": {"score": 3.0}}
    first = curve(tmp_path / "whole")[0]
    keys = "step loss reward rewards spread kl clip_ratio forwards grad_norm learning_rate examples"
    assert list(first) == keys.split()
    assert first["rewards"] == {"plain": pytest.approx(first["reward"])}
    assert first["spread"] > 0
    assert 2 <= first["forwards"] <= 4
    trained = dllm.load(tmp_path / "whole" / "model")
    assert dllm.generate(trained, "a", gen_length=4).outcome
    rollout = dataclasses.replace(same.rollout, group=2)
    other = dataclasses.replace(same, rollout=rollout)
    with pytest.raises(ValueError, match=r"rollout\.group must stay 3 .* got 2; another folder"):
        train(other, letters, [plain], out=tmp_path / "whole", model=model, progress=False)


@pytest.mark.slow
def test_adapters_are_learnt_and_merged(tmp_path: Path, model: Model) -> None:
    chosen = settings(steps=4, lora=True)
    trained = train(chosen, letters, [plain], out=tmp_path, model=model, progress=True)
    loaded = dllm.load(tmp_path / "model", dtype="float32")
    before, after, read = map(arrays, (model, trained, loaded))
    moved = {name for name in before if np.any(before[name] != after[name])}
    assert moved == {name for name in before if ".attention." in name or ".mlp." in name}
    for name, array in after.items():
        np.testing.assert_array_equal(read[name], array)


def arrays(model: Model) -> dict[str, np.ndarray]:
    flat = nnx.to_flat_state(model.network.state)
    return {".".join(map(str, keys)): np.asarray(variable[...]) for keys, variable in flat}


@pytest.mark.slow
def test_killed_at_an_evaluation(tmp_path: Path, base: Path, model: Model) -> None:
    killed = dying(tmp_path / "cut", base, at=4)
    assert killed.wait(120) == -signal.SIGKILL, Path(f"{tmp_path / 'cut'}.log").read_text()
    assert [row["step"] for row in curve(tmp_path / "cut")] == [2, 4]
    for name in ("cut", "whole"):
        train(settings(), letters, [plain], out=tmp_path / name, model=model, progress=False)
    assert curve(tmp_path / "cut") == curve(tmp_path / "whole")
    assert weights(tmp_path / "cut") == weights(tmp_path / "whole")


@pytest.mark.parametrize(
    ("reward", "message"),
    [
        (lambda text, label: None, r"reward <lambda>: must return a finite number, got None"),
        (lambda text, label: float("nan"), "must return a finite number, got nan"),
        (lambda text, label: label[9], "raised IndexError: .*, for the answer '.*' to '[a-d]+'"),
    ],
)
def test_a_bad_reward_is_named(tmp_path: Path, model: Model, reward: Any, message: str) -> None:
    with pytest.raises(RewardError, match=f"{message}.*no checkpoint was written"):
        train(settings(), letters, [reward], out=tmp_path, model=model, progress=False)


@pytest.mark.slow
def test_reward_rises(tmp_path: Path, model: Model) -> None:
    chosen = settings(steps=60, rate=3e-3, checkpoint_every=60)
    train(chosen, letters, [plain], out=tmp_path, model=model, progress=False)
    rewards = [row["reward"] for row in curve(tmp_path)]
    assert np.mean(rewards[-8:]) > np.mean(rewards[:8]) + 0.1
