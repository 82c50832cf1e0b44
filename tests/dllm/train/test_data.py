"""JSONL rows."""

import json
from pathlib import Path

import numpy as np
import pytest

from dllm.train import Example, jsonl_source

GOOD = [
    {"prompt": "a", "answer": "b"},
    {"prompt": [{"role": "user", "content": "c"}], "answer": ""},
]


def write(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def test_rows_of_several_files_are_drawn(tmp_path: Path) -> None:
    paths = [write(tmp_path / f"{i}.jsonl", json.dumps(row), "") for i, row in enumerate(GOOD)]
    source = jsonl_source(*paths)
    drawn = [source(np.random.default_rng([0, i])) for i in range(20)]
    assert Example("a", "b") in drawn
    assert Example([{"role": "user", "content": "c"}], "") in drawn
    assert drawn == [source(np.random.default_rng([0, i])) for i in range(20)]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "a row must be JSON (Expecting property name"),
        ("[]", "a row must have prompt and answer alone, got []"),
        ('{"prompt": "a"}', "a row must have prompt and answer alone, got {'prompt': 'a'}"),
        ('{"prompt": "a", "answer": "b", "x": 1}', "a row must have prompt and answer alone"),
        ('{"prompt": 1, "answer": "b"}', "prompt must be a text or messages with a role and a"),
        ('{"prompt": [], "answer": "b"}', "prompt must be a text or messages with a role and a"),
        ('{"prompt": [{"role": "user"}], "answer": "b"}', "and a content, got [{'role': 'user'}]"),
        ('{"prompt": "a", "answer": null}', "answer must be a text, got None"),
    ],
)
def test_malformed_rows(tmp_path: Path, line: str, message: str) -> None:
    path = write(tmp_path / "rows.jsonl", json.dumps(GOOD[0]), "", line)
    with pytest.raises(ValueError, match=r"rows\.jsonl:3: ") as refused:
        jsonl_source(path)
    assert message in str(refused.value)


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_bytes(b'{"prompt": "\xff", "answer": ""}\n')
    with pytest.raises(ValueError, match=r"rows\.jsonl:1: a row must be JSON \('utf-8' codec"):
        jsonl_source(tmp_path / "rows.jsonl")


def test_no_rows(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"rows\.jsonl must hold at least one row, got none"):
        jsonl_source(write(tmp_path / "rows.jsonl", ""))
