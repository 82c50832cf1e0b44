"""`--weights int8` reaches the checkpoint, and only a checkpoint has weights."""

from typing import Any

import pytest

import dllm
from benchmarks.__main__ import main


def test_int8_is_what_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def load(name: str, *, weights: str | None, place: Any) -> dllm.Model:
        asked.append((name, weights))
        raise ValueError("loaded")

    monkeypatch.setattr(dllm, "load", load)
    for more in ([], ["--weights", "int8"]):
        with pytest.raises(SystemExit):
            main(["run", "--model", "tiny", *more])
    assert asked == [("tiny", None), ("tiny", "int8")]


def test_an_oracle_has_no_weights(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["run", "--model", "oracle:shuffle:6", "--weights", "int8"])
    assert "asks its own questions and takes no --weights" in capsys.readouterr().err
