"""What a run and its rewards may be."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dllm
from dllm.load import Model
from dllm.rl import LoraSettings, ObjectiveSettings, Question, Settings, train
from dllm.rl.rewards import judge, refuse_bad_rewards
from dllm.toml import parse
from tests.dllm.rl.runs import letters, plain, settings
from tests.dllm.train.runs import tiny

TABLE: dict[str, Any] = {
    "rollout": {"scheduler": "ass", "positions": 12, "answer": 8, "prompts": 2, "group": 3},
    "optimizer": {"steps": 16, "learning_rate": 1e-3},
}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return tiny(tmp_path_factory.mktemp("settings") / "base")


def test_tables_become_settings() -> None:
    lora = {"rank": 4, "alpha": 8}
    made = parse(Settings, {**TABLE, "lora": lora, "run": {"accumulate": 3}})
    assert made.lora == LoraSettings(4, 8.0)
    assert made.lora.scale == 2
    assert (made.rollout.rows, made.piece) == (6, 2)
    assert made.objective == ObjectiveSettings(8, 0.5, 0.04, "paper")
    assert parse(Settings, TABLE).lora is None
    blocks = {**TABLE["rollout"], "blocks": [3, 5], "options": {"tokens": 2}}
    rollout = parse(Settings, {**TABLE, "rollout": blocks}).rollout
    assert rollout.bounds(4) == [(4, 7), (7, 12)]
    assert rollout.options == {"tokens": 2}


@pytest.mark.parametrize(
    ("table", "values", "message"),
    [
        ("objective", {"updates": 0}, "objective.updates must be at least 1, got 0"),
        ("objective", {"epsilon": 0}, "objective.epsilon must be above 0, got 0"),
        ("objective", {"beta": -1}, "objective.beta must be at least 0, got -1"),
        ("objective", {"normalisation": "sum"}, "objective.normalisation must be one of paper, co"),
        ("objective", {"updates": 5}, "optimizer.steps must be a multiple of objective.updates, 5"),
        ("lora", {"rank": 0}, "lora.rank must be at least 1, got 0"),
        ("lora", {"alpha": 0}, "lora.alpha must be above 0, got 0"),
        ("run", {"accumulate": 4}, "run.accumulate must be a divisor of the 6 rows of a rollout"),
    ],
)
def test_bad_settings(table: str, values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse(Settings, {**TABLE, table: values})


def test_rewards_add_up() -> None:
    def long(text: str, label: Any) -> int:
        return len(text)

    def right(text: str, label: Any) -> Any:
        return np.asarray(text == label)

    asked = [Question("a", "xy"), Question("b", "z")]
    judged = judge([long, right], asked, ["xy", "w"])
    assert judged.totals.tolist() == [3, 1]
    assert judged.means == {"long": 1.5, "right": 0.5}


@pytest.mark.parametrize(
    ("rewards", "message"),
    [
        ([], "rewards: must hold at least one function, got none"),
        ([plain, plain], "rewards: must have names of their own, got plain twice"),
        ([1], r"rewards: must be functions \(text, label\) -> number, got 1"),
    ],
)
def test_bad_rewards(rewards: Any, message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        refuse_bad_rewards(rewards)


def test_models_that_cannot_be_trained(tmp_path: Path, model: Model) -> None:
    chosen = settings()
    wide = dataclasses.replace(chosen.rollout, positions=129)
    with pytest.raises(ValueError, match=r"rollout\.positions must be at most the model's 128"):
        train(
            dataclasses.replace(chosen, rollout=wide), letters, [plain], out=tmp_path, model=model
        )
    mute = dataclasses.replace(model, tokenizer=None)
    with pytest.raises(ValueError, match="training needs a tokenizer"):
        train(chosen, letters, [plain], out=tmp_path, model=mute)
    whole = dllm.load(model.name, weights="int8")
    with pytest.raises(ValueError, match="weights in int8 cannot be trained"):
        train(chosen, letters, [plain], out=tmp_path, model=whole)
    cut = dllm.load(model.name, place=dllm.make_mesh())
    with pytest.raises(
        ValueError, match="must be loaded without a mesh, because a run uses one device"
    ):
        train(chosen, letters, [plain], out=tmp_path, model=cut)
