"""Requests as lines of JSON."""

import json
from pathlib import Path
from typing import Any

import pytest

import dllm
from dllm.cli.__main__ import main
from dllm.cli.asked import read_requests
from grammar import completable
from tests import checkpoints


def written(folder: Path, *lines: Any) -> Path:
    path = folder / "requests.jsonl"
    path.write_text("\n".join(x if isinstance(x, str) else json.dumps(x) for x in lines))
    return path


DIGITS = {"regex": "[0-9]+"}
TURN = {"role": "user", "content": "c"}


def test_requests(tmp_path: Path) -> None:
    asked = read_requests(
        written(
            tmp_path,
            {"prompt": "a", "structured_outputs": DIGITS},
            "",
            {"messages": [TURN], "structured_outputs": DIGITS, "seed": 7},
            {"prompt": [1, 2], "response_format": {"type": "text"}},
        )
    )
    assert [one.prompt for one in asked] == ["a", [TURN], [1, 2]]
    assert [one.seed for one in asked] == [None, 7, None]
    assert asked[0].language is asked[1].language
    assert asked[0].language is not None
    assert completable(asked[0].language, ["12"])
    assert asked[2].language is None


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "Expecting property name enclosed in double quotes"),
        ("[" * 5000, "maximum recursion depth exceeded"),
        ([1], "a request must be an object, got [1]"),
        (
            {"prompt": "a", "regex": "b"},
            "regex: must be one of prompt, messages, structured_outputs, response_format, seed",
        ),
        ({"seed": 1}, "a request must have prompt or messages, got neither"),
        (
            {"prompt": "a", "messages": [TURN]},
            "a request must have prompt or messages, got prompt and messages",
        ),
        ({"prompt": 3}, "prompt: must be a text or token ids, and not empty, got 3"),
        ({"prompt": ""}, "prompt: must be a text or token ids, and not empty, got ''"),
        ({"messages": ["a"]}, "messages: must be a list of role and content, and not empty"),
        ({"prompt": "a", "seed": "1"}, "seed: must be a whole number in [0, 2^32), got '1'"),
        ({"prompt": "a", "seed": -1}, "seed: must be a whole number in [0, 2^32), got -1"),
        (
            {"prompt": "a", "structured_outputs": {"ebnf": "b"}},
            "structured_outputs.ebnf: must be one of json, regex, choice, grammar, json_object, "
            "disable_any_whitespace",
        ),
    ],
)
def test_wrong_lines(tmp_path: Path, line: Any, message: str) -> None:
    path = written(tmp_path, {"prompt": "a"}, line)
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        read_requests(path)
    assert str(caught.value).startswith(f"--requests: {path}, line 2: {message}")


def test_no_requests(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"must hold at least one request, got none$"):
        read_requests(written(tmp_path, ""))
    path = tmp_path / "odd.jsonl"
    path.write_bytes(b"\xff")
    with pytest.raises(ValueError, match=r"must be UTF-8, got byte 0$"):
        read_requests(path)


def test_on_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each row has the language that it asks for, else the command's."""
    folder, told = str(checkpoints.make(tmp_path / "small")), {}
    monkeypatch.setattr(
        dllm, "generate", lambda _, prompts, **options: told.update(options, prompts=prompts)
    )
    path = written(
        tmp_path, {"prompt": "a", "structured_outputs": DIGITS}, {"prompt": "b", "seed": 9}
    )
    command = ["generate", "--model", folder, "--no-compile-cache", "--requests", str(path)]
    assert main(command) == 0
    assert told["prompts"] == ["a", "b"]
    assert told["seed"] == [0, 9]
    assert told["grammar"][0] is not None
    assert told["grammar"][1] is None
    assert main([*command, "--choice", "x"]) == 0
    assert told["grammar"][1] is not None
    assert main([*command, "one"]) == 2
    assert "--requests: must be given without prompts and --file" in capsys.readouterr().err
