"""The command that measures grammars."""

import json
from pathlib import Path

import pytest

from benchmarks.__main__ import main
from benchmarks.grammar import infilling

SMALL = ["grammar", "--languages", "dates", "--vocabulary", "2048", "--holes", "4", "--fill", "16"]


def test_figures(tmp_path: Path) -> None:
    schemas, out = tmp_path / "schemas", tmp_path / "new" / "figures.json"
    schemas.mkdir()
    (schemas / "one.json").write_text('{"schema": {"type": "null"}}')
    (schemas / "two.json").write_text('{"schema": {"uniqueItems": true}}')
    main([*SMALL, "--decodes", "3", "--schemas", str(schemas), "--out", str(out)])
    dates, compiled = json.loads(out.read_text())
    assert (dates["decodes"]["decodes"], dates["decodes"]["invalid"]) == (3, 0)
    assert (compiled["compile_s"]["schemas"], compiled["compile_s"]["refused"]) == (2, 1)
    main([*SMALL[:-3], "--fill", "0", "--decodes", "1", "--out", str(out)])
    (decodes,) = json.loads(out.read_text())
    assert (decodes["masks_ms"], decodes["decodes"]["decodes"]) == ({}, 1)


@pytest.mark.slow
def test_programs_go_on_from_a_tally(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What earlier calls have filled is not filled again, and counts."""
    short = "int count(int total) { return total + 1; }"
    monkeypatch.setattr(infilling, "program", lambda _: short)
    tally, out = tmp_path / "tally.json", tmp_path / "figures.json"
    options = ["grammar", "--vocabulary", "2048", "--active", "8", "--out", str(out)]
    options += ["--tally", str(tally)]
    main([*options, "--region", "2", "--programs", "2"])
    assert {n: own["decodes"] for n, own in _regions(tally)} == {"1": 1, "2": 1, "3": 0}
    main([*options, "--region", "2", "--programs", "4"])
    assert {n: own["decodes"] for n, own in _regions(tally)} == {"1": 2, "2": 1, "3": 1}
    assert sum(own["invalid"] + own["stuck"] for _, own in _regions(tally)) == 0
    (told,) = json.loads(out.read_text())
    assert "share" in told["regions"]["3"]
    assert "share" not in told["regions"]["2"]
    with pytest.raises(SystemExit, match="2"):
        main([*options, "--region", "3", "--programs", "4"])


def _regions(tally: Path) -> list[tuple[str, dict[str, int]]]:
    return list(json.loads(tally.read_text())["programs"]["regions"].items())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--languages", "json,x"], "--languages: must be of json, wide, "),
        (["--vocabulary", "0"], "--vocabulary must be at least 2048, got 0"),
        (["--holes", "4", "0"], "--holes must be at least 1, got 0"),
        (["--every", "0"], "--every must be at least 1, got 0"),
        (["--programs", "-1"], "--programs must be at least 0, got -1"),
        (["--programs", "3"], "--programs: must be without --languages, for programs are of C++"),
        (["--fill", "2"], "must have at least 8 tokens, got 2"),
        (["--schemas", "FOLDER/none"], "--schemas: must be a folder of JSON files, got "),
        (["--schemas", "FOLDER"], "wrong.json must be a JSON object with a schema"),
    ],
)
def test_mistakes_are_told_in_a_sentence(
    tmp_path: Path, options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "wrong.json").write_text("{}")
    with pytest.raises(SystemExit, match="2"):
        main([*SMALL, *(word.replace("FOLDER", str(tmp_path)) for word in options)])
    assert message in capsys.readouterr().err
