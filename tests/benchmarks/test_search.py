"""The search for better combinations: what is tried, and which of them is called the best."""

import json
from pathlib import Path

import pytest

import dllm
from benchmarks import __main__ as command_line
from benchmarks.commands import search
from benchmarks.commands.search import Found, summarise
from benchmarks.oracles.subject import oracle
from benchmarks.runner.subject import Checkpoint


def _found(name: str, accuracy: float, forwards: float, drafts: int = 1) -> Found:
    return Found(name, accuracy, forwards, drafts * forwards, 32 / forwards)


def test_the_best_is_the_fastest_that_is_accurate_enough() -> None:
    found = [
        _found("confidence", 90.0, 32),
        _found("threshold threshold=0.9", 89.5, 8),
        _found("threshold threshold=0.9 drafts=4", 89.5, 5, 4),
        _found("threshold threshold=0.5", 80.0, 2),
        _found("learn2pd tau=0.9", 89.0, 4, 4),
        _found("learn2pd tau=0.5", 89.0, 4),
    ]
    summary = summarise(found, 1.0)
    assert summary["floor"] == 89
    assert (summary["best"], summary["threshold"]) == ("learn2pd tau=0.5", found[1].setting)
    assert summary["ratio"] == 2
    assert summarise(found[:1] + found[3:], 0.5)["ratio"] is None


def test_all_can_be_built() -> None:
    """Over the model that comes with the package, and without a network those that need none."""
    settings = search.combinations(Checkpoint(dllm.load("tiny")))
    assert len({setting.name for setting in settings}) == len(settings)
    plain = search.combinations(oracle("oracle:shuffle"))
    assert {setting.name for setting in plain} < {setting.name for setting in settings}
    assert not any("learn2pd" in setting.name for setting in plain)


def test_an_oracle_is_searched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    few = (("confidence",), ("threshold", "threshold=0.5,0.9"), ("threshold", "drafts=3"))
    monkeypatch.setattr(search, "COMBINATIONS", few)
    out = tmp_path / "figures" / "found.json"
    options = ["--model", "oracle:shuffle:3", "--limit", "4", "--within", "100"]
    command_line.main(["search", *options, "--batch", "4", "--figures", str(out)])
    figures = json.loads(out.read_text())
    assert [one["setting"] for one in figures["settings"]] == [
        *("confidence", "threshold threshold=0.5", "threshold threshold=0.9", "threshold drafts=3")
    ]
    drafted = figures["settings"][-1]
    assert drafted["evaluations"] == 3 * drafted["forwards"]
    assert "best" in capsys.readouterr().out
