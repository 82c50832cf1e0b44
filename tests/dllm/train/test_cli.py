"""`dllm train`."""

import json
from pathlib import Path

import pytest

import dllm
from dllm.cli.__main__ import main
from tests.dllm.train.runs import curve, tiny

CONFIG = """
[data]
files = ["rows.jsonl"]
evaluate = ["rows.jsonl"]
[[shapes]]
positions = 8
answer = 5
batch = 4
[optimizer]
steps = 3
learning_rate = 0.01
warmup = 1
[run]
evaluate_every = 2
export = "float32"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    tiny(tmp_path / "base")
    rows = [{"prompt": "a2", "answer": "aa"}, {"prompt": "b1", "answer": "b"}]
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (tmp_path / "config.toml").write_text(CONFIG)
    return tmp_path


def run(folder: Path, *more: str) -> int:
    config, out = folder / "config.toml", folder / "out"
    told = ["train", "--config", str(config), "--out", str(out), "--no-compile-cache", *more]
    return main(told)


def test_a_checkpoint_is_tuned(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(folder, "--init", str(folder / "base"), "--steps", "4", "--quiet") == 0
    assert capsys.readouterr().out == f"{folder / 'out' / 'model'}\n"
    assert [row["step"] for row in curve(folder / "out")] == [1, 2, 3, 4]
    lines = (folder / "out" / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines if "evaluation" in line] == [2, 4]
    dllm.load(folder / "out" / "model")


def test_from_scratch(folder: Path) -> None:
    raw = json.loads((folder / "base" / "config.json").read_text())
    lines = [f"{key} = {json.dumps(value)}" for key, value in raw.items()]
    model = '[model]\ntokenizer = "base"\n[model.config]\n' + "\n".join(lines)
    (folder / "config.toml").write_text(CONFIG + model)
    assert run(folder, "--steps", "4", "--quiet") == 0
    trained = dllm.load(folder / "out" / "model")
    assert trained.config.layers == 1
    assert trained.network.dtype == "float32"


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (CONFIG + "[model]\nsize = 1", "config.toml: unknown key model.size, the known are init,"),
        (CONFIG, "model.config must be given to start from scratch, got none"),
        (CONFIG + '[model]\ninit = "nowhere"', "nowhere: no such folder, and not a hub id"),
        (CONFIG[CONFIG.index("[[") :], "data.files must name at least one file, got none"),
        (CONFIG.replace("rows", "gone"), "gone.jsonl: No such file or directory"),
    ],
)
def test_refusals(
    folder: Path, config: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "config.toml").write_text(config)
    assert run(folder) == 2
    assert message in capsys.readouterr().err.replace("\n", " ").replace("  ", " ")


def test_help_has_examples(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["train", "--help"])
    assert "dllm train --config" in capsys.readouterr().out
