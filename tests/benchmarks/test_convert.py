"""Published rows into a folder of runs: files found, checksums, what is refused."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks import __main__ as command_line
from benchmarks.leaderboard.tasks import RULE_TASKS
from benchmarks.tasks import official, rows
from benchmarks.tasks.convert import CHECKSUMS, convert, files_of
from tests.benchmarks.parallelbench import ROWS, as_row, full_names, needs_names, needs_rows

PUZZLES = ("latin_square_n4", "sudoku_n4")


def published(task: str) -> list[dict[str, Any]]:
    """Puzzles need no names."""
    names = () if task in PUZZLES else full_names()
    return [as_row(instance) for instance in official.instances(task, names)]


def write(path: Path, listed: list[Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in listed), "utf-8")


def test_checksums_are_of_the_tasks_with_rules() -> None:
    assert set(CHECKSUMS) == set(RULE_TASKS)


@needs_rows
def test_recorded_rows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command_line.main(["rows", str(ROWS), str(tmp_path / "rows")])
    assert capsys.readouterr().out.count("100 rows, checksum as published") == 12
    for task in ("copy", "sudoku_n4"):
        assert rows.load(tmp_path / "rows", task) == rows.load(ROWS, task)


@needs_names
def test_lines_from_folders_in_pieces(tmp_path: Path) -> None:
    listed = published("insert_index")
    for number, piece in enumerate((listed[:60], listed[60:])):
        write(tmp_path / f"hub/waiting_line-insert_index/test-{number}.jsonl", piece)
    (converted,) = convert(tmp_path / "hub", tmp_path / "rows")
    assert converted[2:] == (100, True)
    assert len(rows.load(tmp_path / "rows", "insert_index")) == 100


def test_columns_may_be_parsed_already(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    listed = published("sudoku_n4")
    parsed = [{**row, "input": json.loads(row["input"])} for row in listed]
    write(tmp_path / "hub/puzzles-sudoku_n4.jsonl", parsed)
    command_line.main(["rows", str(tmp_path / "hub"), str(tmp_path / "rows")])
    shown = capsys.readouterr().out
    assert "100 rows, checksum as published" in shown
    assert "not there: copy, insert_index" in shown
    assert rows.load(tmp_path / "rows", "sudoku_n4")[0].answer == json.loads(listed[0]["answer"])


def test_parquet(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow", reason="needs pyarrow")
    from pyarrow import parquet  # pyright: ignore[reportMissingImports]

    (tmp_path / "hub/puzzles-latin_square_n4").mkdir(parents=True)
    table = pyarrow.Table.from_pylist(published("latin_square_n4"))
    parquet.write_table(table, tmp_path / "hub/puzzles-latin_square_n4/test-00000-of-00001.parquet")
    (converted,) = convert(tmp_path / "hub", tmp_path / "rows")
    assert converted.checked


def test_parquet_needs_pyarrow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    (tmp_path / "puzzles-sudoku_n4.parquet").write_bytes(b"PAR1")
    with pytest.raises(ValueError, match=r"sudoku_n4\.parquet is Parquet, which needs pyarrow"):
        convert(tmp_path, tmp_path / "rows")


def test_refuses(tmp_path: Path) -> None:
    with pytest.raises(
        ValueError, match=r"rows: .* must hold <category>-<task> files, .* got none"
    ):
        convert(tmp_path, tmp_path / "rows")
    path = tmp_path / "hub/puzzles-sudoku_n4.jsonl"
    listed = published("sudoku_n4")
    write(path, listed[:-1])
    with pytest.raises(ValueError, match=r"sudoku_n4 must be .*checksum 1e15.*, got .* of 99 rows"):
        convert(tmp_path / "hub", tmp_path / "rows")
    write(path, [{**listed[0], "input": "{}"}])
    with pytest.raises(ValueError, match="rows: sudoku_n4 must hold the fields of its questions"):
        convert(tmp_path / "hub", tmp_path / "rows")
    write(path, [{k: v for k, v in listed[0].items() if k != "metric"}])
    with pytest.raises(ValueError, match=r"puzzles-sudoku_n4\.jsonl:1: the row lacks metric"):
        convert(tmp_path / "hub", tmp_path / "rows")
    assert not (tmp_path / "rows").exists()


def test_files_of_other_tasks_are_left_alone(tmp_path: Path) -> None:
    from benchmarks.leaderboard.tasks import TASKS

    write(tmp_path / "waiting_line-copy_all.jsonl", [])
    assert files_of(tmp_path, TASKS["copy"]) == []
