"""From a finished sweep over the file that tuning writes to an answer."""

import json
import tomllib
from pathlib import Path

import jax
import pytest

from benchmarks import __main__ as command_line
from benchmarks.suites import Question
from dllm.cli.__main__ import main
from tests.benchmarks.runs import finished
from tests.benchmarks.subjects import make, questions


def answer(setting: str, question: Question) -> tuple[bool, int]:
    """Four tokens a step are too many."""
    tokens = int(setting.partition("tokens=")[2][0])
    return tokens < 4 or question.number == 0, 32 // tokens


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    """Programs of tests are not kept among the user's."""
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", str(tmp_path / "programs"))
    yield
    jax.config.update("jax_compilation_cache_dir", None)


@pytest.mark.slow
@pytest.mark.usefixtures("programs")
def test_a_sweep_ends_in_an_answer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The rule, an option that is a part's own, and the blocks are those that were swept."""
    sets = ["confidence.tokens=1,2,4", "block_length=8"]
    sweep = finished(
        tmp_path / "sweep", questions(4, "copy"), answer, ["confidence"], sets, suite="embedded"
    )
    tuned = tmp_path / "tuned.toml"
    command_line.main(["tune", str(sweep), "--accuracy", "80", "--out", str(tuned)])
    model = make(tmp_path / "model")
    capsys.readouterr()
    options = ["--config", str(tuned), "--length", "16", "--json"]
    assert main(["generate", "one", "--model", str(model), *options]) == 0
    written = json.loads(capsys.readouterr().out)
    chosen = tomllib.loads(tuned.read_text())["chosen"]["options"]
    assert chosen == {"confidence.tokens": 2, "block_length": 8}
    assert written["forwards"] in (4, 8)  # a block that holds an end of text is the last
