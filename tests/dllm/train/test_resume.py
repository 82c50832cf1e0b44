"""A run that is cut off anywhere goes on as if nothing had happened."""

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from dllm.load import Model
from dllm.train import Settings, read_metrics, train
from dllm.train.metrics import Journal
from tests.dllm.train.runs import copying, curve, in_a_process, settings, tiny


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("resume") / "base"
    tiny(folder)
    return folder


def whole(settings: Settings, out: Path, base: Path) -> list[dict]:
    train(settings, copying, out=out, model=tiny(base), progress=False)
    return curve(out)


def test_a_killed_run_has_the_same_losses_bit_for_bit(tmp_path: Path, base: Path) -> None:
    killed = in_a_process(tmp_path / "cut", base, die_at=5)
    assert killed.wait(120) == -signal.SIGKILL
    assert len(curve(tmp_path / "cut")) >= 4
    expected = whole(settings(), tmp_path / "whole", base)
    assert [row["step"] for row in expected] == list(range(1, 7))
    assert whole(settings(), tmp_path / "cut", base) == expected
    assert weights(tmp_path / "cut") == weights(tmp_path / "whole")


@pytest.mark.slow
def test_killed_at_any_moment(tmp_path: Path, base: Path) -> None:
    expected = whole(settings(steps=60), tmp_path / "whole", base)
    kills, out = 0, tmp_path / "cut"
    while True:
        running = in_a_process(out, base, steps=60, checkpoint_every=1 + kills % 3)
        started = len(read_metrics(out / "metrics.jsonl"))
        while running.poll() is None and len(read_metrics(out / "metrics.jsonl")) < started + 4:
            time.sleep(0.003)
        if running.poll() is not None:
            break
        time.sleep(0.013 * kills)
        os.kill(running.pid, signal.SIGKILL)
        running.wait()
        kills += 1
    assert running.returncode == 0, Path(f"{out}.log").read_text()
    assert kills > 3
    assert curve(out) == expected
    assert weights(out) == weights(tmp_path / "whole")


def test_a_finished_run_is_left_as_it_is(tmp_path: Path, base: Path) -> None:
    first = whole(settings(), tmp_path, base)
    before = weights(tmp_path)
    assert whole(settings(), tmp_path, base) == first
    assert weights(tmp_path) == before


def test_other_settings_are_refused(tmp_path: Path, base: Path) -> None:
    whole(settings(), tmp_path, base)
    whole(settings(keep=1), tmp_path, base)
    expected = r"settings\.json: optimizer\.learning_rate must stay 0\.01 .* got 0\.02; another"
    with pytest.raises(ValueError, match=expected):
        whole(settings(rate=0.02), tmp_path, base)


def test_a_journal_goes_on_behind_its_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    rows = [{"step": n, "loss": 1.0, "examples": 8 * n, "seconds": n / 2} for n in (1, 2, 3)]
    lines = [json.dumps(row) + "\n" for row in rows]
    found = json.dumps({"step": 2, "evaluation": {}}) + "\n"
    path.write_text(lines[0] + lines[1] + found + lines[2] + lines[2][:9])
    assert read_metrics(path) == [rows[0], rows[1], json.loads(found), rows[2]]
    journal = Journal(path, 2)
    journal.close()
    assert path.read_text() == lines[0] + lines[1] + found
    assert journal.examples == 16
    assert journal.evaluated
    assert list(tmp_path.iterdir()) == [path]
    earlier = Journal(path, 1)
    earlier.close()
    assert not earlier.evaluated


def test_an_evaluation_that_was_cut_off_is_made_up_for(tmp_path: Path, base: Path) -> None:
    seen: list[int] = []

    def evaluate(step: int, _: Model) -> dict[str, float]:
        seen.append(step)
        if seen == [3, 6]:
            raise RuntimeError("cut off")
        return {"score": float(step)}

    told: Any = {"out": tmp_path, "model": tiny(base), "evaluate": evaluate, "progress": False}
    with pytest.raises(RuntimeError, match="cut off"):
        train(settings(evaluate_every=3, checkpoint_every=3), copying, **told)
    for _ in range(2):
        train(settings(evaluate_every=3, checkpoint_every=3), copying, **told)
    assert seen == [3, 6, 6]
    found = [row["evaluation"] for row in read_metrics(tmp_path / "metrics.jsonl")[-1:]]
    assert found == [{"score": 6.0}]


def weights(out: Path) -> bytes:
    return (out / "model" / "model.safetensors").read_bytes()
