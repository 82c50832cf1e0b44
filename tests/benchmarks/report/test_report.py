"""Finished runs side by side, plotted and tuned."""

import json
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from benchmarks import __main__ as command_line
from benchmarks.report.curves import curves, speeds_at
from benchmarks.report.plot import plot
from benchmarks.report.rows import rows_of
from benchmarks.report.shares import Paired, interval, pair
from benchmarks.report.table import show
from benchmarks.report.tune import as_toml, tune
from benchmarks.suites import Question
from tests.benchmarks.runs import finished
from tests.benchmarks.subjects import Fake, questions

ACCURACY = {"tokens=1": 90, "tokens=2": 80, "tokens=4": 40, "steps=8": 50}
"""Percent right by setting."""


def answer(setting: str, question: Question) -> tuple[bool, int]:
    """Those of the highest numbers are wrong; lines of the entropy rule are 10 % worse."""
    option = setting.partition(" ")[2]
    accuracy = ACCURACY[option] - (10 if "entropy" in setting else 0)
    return question.number < accuracy / 10, 32 // int(option.partition("=")[2])


def sweep(folder: Path, *rules: str, count: int = 10) -> Path:
    sets = ["tokens=1,2,4"]
    return finished(
        folder, questions(count), answer, rules or ["confidence"], sets, suite="embedded"
    )


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sweep(tmp_path_factory.mktemp("report") / "two", "confidence", "entropy")


def test_document(two: Path, tmp_path: Path) -> None:
    """What is kept says what the tables say."""
    out = tmp_path / "deep" / "kept.json"
    command_line.main(["report", str(two), "--out", str(out)])
    kept = json.loads(out.read_text())
    assert [run["suite"] for run in kept["runs"]] == ["embedded"]
    rows = rows_of([two])
    assert [line["setting"] for line in kept["settings"]] == [row.name for row in rows]
    first, mean = kept["settings"][0], rows[0].result.mean
    assert first["accuracy"] == pytest.approx(mean.accuracy, abs=0.01)
    assert first["tokens_per_step"] == pytest.approx(mean.tokens_per_step, abs=0.001)
    assert kept["tokens_per_step_at"]["confidence"]["80"] == pytest.approx(
        speeds_at(curves(rows)["confidence"])[0], abs=0.01
    )


def test_intervals() -> None:
    assert interval(0, 10) == pytest.approx((0, 0.2775), abs=1e-4)
    assert interval(5, 10) == pytest.approx((0.2366, 0.7634), abs=1e-4)
    low, high = interval(10, 10)
    assert (low, high) == pytest.approx((0.7225, 1.0), abs=1e-4)


def test_pairs() -> None:
    paired = Paired(both=5, first=1, second=5, neither=2)
    assert (paired.n, paired.difference) == (13, 4 / 13)
    assert paired.chance == pytest.approx(14 / 64)
    assert Paired(3, 0, 0, 0).chance == 1
    assert Paired(0, 0, 0, 0).difference == 0


def test_pairs_are_by_example(two: Path, tmp_path: Path) -> None:
    rows = rows_of([two, sweep(tmp_path / "fewer", count=5)])
    confidence, *_, entropy = rows[:6]
    assert pair(confidence.result.samples, entropy.result.samples) == Paired(6, 12, 0, 2)
    assert pair(rows[0].result.samples, rows[6].result.samples) == Paired(10, 0, 0, 0)
    other = [sample._replace(prompt="another") for sample in rows[6].result.samples]
    assert pair(rows[0].result.samples, other).n == 0


def test_tables(two: Path, tmp_path: Path) -> None:
    console = Console(record=True, width=200)
    show(rows_of([two]), console)
    shown = console.export_text()
    assert "confidence tokens=2" in shown
    assert "80.0" in shown
    assert "80 ± 23" in shown
    assert "against confidence tokens=1" in shown
    assert "-10.0" in shown
    assert "tokens per step at an accuracy" in shown
    console = Console(record=True, width=200)
    show(rows_of([two, sweep(tmp_path / "one")]), console)
    assert "two: entropy tokens=4" in console.export_text()


def test_command(two: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command_line.main(["report", str(two)])
    assert "settings" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        command_line.main(["report", str(two / "parts")])
    assert "must be the folder of a finished run, but results.json" in capsys.readouterr().err


def test_tune(two: Path) -> None:
    tuned = tune(rows_of([two]), 75)
    assert (tuned.best.rule, tuned.best.options) == ("confidence", {"tokens": 2})
    assert [(c.options["tokens"], c.accuracy) for c in tuned.front] == [(1, 90), (2, 80), (4, 40)]
    assert all(choice.rule == "confidence" for choice in tuned.front)


def test_tuned_settings_are_toml(two: Path) -> None:
    written = tomllib.loads(as_toml(tune(rows_of([two]), 75), [two]))
    assert written["chosen"]["scheduler"] == "confidence"
    assert written["chosen"]["options"] == {"tokens": 2}
    assert (written["chosen"]["accuracy"], written["floor"]) == (80.0, 75)
    assert [point["tokens_per_step"] for point in written["front"]] == [1.0, 2.0, 4.0]
    assert written["runs"] == [str(two)]


def test_tune_command(two: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command_line.main(["tune", str(two), "--accuracy", "75", "--out", str(tmp_path / "t.toml")])
    assert "confidence tokens=2: 2.00 tokens per step at 80.0 %" in capsys.readouterr().out
    command_line.main(["tune", str(two), "--accuracy", "75", "--tasks", "sort"])
    command_line.main(["tune", str(two), "--accuracy", "75"])
    assert "[chosen]" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("floor", "message"),
    [
        (95.0, r"must be reached by a setting, got 95; the most .* 'confidence tokens=1' with 90"),
        (101.0, r"--accuracy must be in \[0, 100\] percent, got 101"),
    ],
)
def test_tune_refuses(two: Path, floor: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        tune(rows_of([two]), floor)


def test_one_model_is_tuned(two: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked, rules, sets = questions(2), ["confidence"], ["tokens=1"]
    about = {"suite": "embedded", "subject": Fake(about="fake 2")}
    other = finished(tmp_path / "other", asked, answer, rules, sets, **about)  # pyright: ignore[reportArgumentType]
    for command in (["tune", "--accuracy", "75"], ["report", "--against", "site"]):
        with pytest.raises(SystemExit):
            command_line.main([*command, str(two), str(other)])
        assert "runs must be of one model, got 'fake 1' in" in capsys.readouterr().err


def test_curves(two: Path) -> None:
    drawn = curves(rows_of([two]))
    assert list(drawn) == ["confidence", "entropy"]
    assert [row.result.options["tokens"] for row in drawn["entropy"]] == [1, 2, 4]
    assert speeds_at(drawn["confidence"]) == [2, 2, 2]
    assert speeds_at(drawn["entropy"]) == [1, 1, 2]


def test_plot(two: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib", reason="needs matplotlib (extra plots)")
    command_line.main(["plot", str(two), "--out", str(tmp_path / "curves")])
    assert capsys.readouterr().out.splitlines() == [
        str(tmp_path / "curves.png"),
        str(tmp_path / "curves.svg"),
    ]
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "curves.svg").read_text("utf-8").startswith("<?xml")
    assert plot(rows_of([two]), tmp_path / "one.svg") == [tmp_path / "one.svg"]


def test_plot_refuses(two: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows: Any = rows_of([two])
    with pytest.raises(ValueError, match=r"plot: --out must end in \.png or \.svg, got .*\.pdf"):
        plot(rows, tmp_path / "curves.pdf")
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ValueError, match=r"plot: needs matplotlib, which is not installed \(the"):
        plot(rows, tmp_path / "curves")
