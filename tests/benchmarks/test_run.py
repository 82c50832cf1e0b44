"""The command `run`: what it decodes, prints, writes and refuses."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

import benchmarks
import dllm
from benchmarks import __main__ as command_line
from benchmarks import suites
from benchmarks.commands import asked as commands_asked
from benchmarks.commands import quick as commands_quick
from benchmarks.runner.subject import Checkpoint
from benchmarks.tasks import embedded
from tests.benchmarks.subjects import Fake, random_model, rows_of

KEYS = {
    *("setting", "task", "number", "prompt", "answer", "text", "score", "score_strict"),
    *("forwards", "tokens_per_step", "input_length", "output_length", "outcome", "metrics"),
}


def use(options: list[str], monkeypatch: pytest.MonkeyPatch, *, real: bool = False) -> None:
    monkeypatch.setattr(dllm, "load", lambda name, **_: random_model() if real else None)
    if not real:
        monkeypatch.setattr(commands_asked, "Checkpoint", lambda *_: Fake())
    command_line.main(["run", "--model", "any", *options])


def read(folder: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    lines = (folder / "samples.jsonl").read_text("utf-8").splitlines()
    return json.loads((folder / "results.json").read_text()), [json.loads(line) for line in lines]


def test_embedded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--tasks", "copy,reverse", "--limit", "1", "--set", "tokens=8", "--batch", "2"]
    use([*options, "--out", str(tmp_path / "new" / "run")], monkeypatch, real=True)
    results, samples = read(tmp_path / "new" / "run")
    assert [sample["task"] for sample in samples] == ["copy", "reverse"]
    assert all(set(sample) == KEYS for sample in samples)
    asked = [e.prompt for task in ("copy", "reverse") for e in embedded.evaluation(task, 1)]
    assert [sample["prompt"] for sample in samples] == asked
    assert [sample["forwards"] for sample in samples] == [4, 4]
    assert (results["scheduler"], results["set"]) == ("confidence", ["tokens=8"])
    assert results["tasks"]["reverse"] == {
        "n": 1,
        "accuracy": 0.0,
        "accuracy_strict": 0.0,
        "forwards": 4.0,
        "tokens_per_step": 8.0,
    }
    assert results["mean_accuracy"] == 0
    shown = capsys.readouterr().out
    assert "embedded confidence tokens=8" in shown
    assert "mean of 2" in shown
    assert "programs), 100.0% of the slots busy" in shown
    assert "the rate of matrix products in this run; decoding took" in " ".join(shown.split())


def test_sweep(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rules = ["--scheduler", "entropy", "--scheduler", "confidence", "--set", "tokens=4,8"]
    use([*rules, "--tasks", "copy", "--limit", "1", "--out", str(tmp_path)], monkeypatch)
    results, samples = read(tmp_path)
    names = [f"{rule} tokens={n}" for rule in ("entropy", "confidence") for n in (4, 8)]
    assert [setting["setting"] for setting in results["settings"]] == names
    assert [sample["setting"] for sample in samples] == names
    assert [sample["tokens_per_step"] for sample in samples] == [4, 8, 4, 8]
    assert "tasks" not in results
    assert "confidence tokens=8" in capsys.readouterr().out


def test_official(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = rows_of(tmp_path / "rows", "remove_random")
    (rows / "text_writing-paraphrasing.jsonl").write_text("{}\n")
    monkeypatch.setitem(sys.modules, "language_tool_python", None)
    options = ["--suite", "official", "--rows", str(rows), "--limit", "1", "--set", "tokens=8"]
    use([*options, "--out", str(tmp_path / "run")], monkeypatch)
    results, samples = read(tmp_path / "run")
    assert list(results["tasks"]) == ["remove_random"]
    assert samples[0]["prompt"].startswith("You are managing a waiting line")
    assert [sample["number"] for sample in samples] == [0]
    shown = capsys.readouterr().out
    assert "12 rule tasks: not run: paraphrasing (texts: need LanguageTool" in shown
    assert results["protocol"]["early_stop"] is False
    with pytest.raises(SystemExit):
        use([*options, "--tasks", "paraphrasing"], monkeypatch)
    assert "texts: need LanguageTool" in capsys.readouterr().err


def test_methods_that_are_not_there_are_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("benchmarks.leaderboard.methods.RULES", {"confidence": lambda tokens: {}})
    options = ["--scheduler", "leaderboard", "--sweep", "--tasks", "copy", "--limit", "1"]
    use(options, monkeypatch)
    shown = capsys.readouterr().out
    assert "confidence tokens=32" in shown
    assert "not run: wino: no rule 'wino' yet" in shown


def test_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stop(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("benchmarks.runner.run._decode", stop)
    with pytest.raises(SystemExit, match="130"):
        use(["--limit", "1", "--out", str(tmp_path)], monkeypatch)
    assert "the same command goes on from here" in capsys.readouterr().err


def test_shards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--tasks", "copy", "--limit", "1", "--set", "tokens=4,8"]
    for shard in ("1", "2"):
        where = ["--out", str(tmp_path / shard), "--shard", f"{shard}/2"]
        use([*options, *where, "--mirror", str(tmp_path / "mirror" / shard)], monkeypatch)
        assert f"shard {shard}/2 is done" in capsys.readouterr().out
        assert (tmp_path / "mirror" / shard / "run.json").is_file()
    command_line.main(["merge", *(str(tmp_path / name) for name in ("all", "1", "2"))])
    assert len(read(tmp_path / "all")[1]) == 2
    assert "confidence tokens=8" in capsys.readouterr().out


def test_fewer_rows_are_of_all_lengths(tmp_path: Path) -> None:
    rows = rows_of(tmp_path, "sort")
    chosen = suites.ask("official", ["sort"], 8, rows)
    assert [len(question.example.label) for question in chosen] == [3, 3, 4, 4, 5, 5, 6, 6]
    assert [question.number for question in chosen] == [0, 12, 25, 37, 50, 62, 75, 87]
    assert len(suites.ask("official", ["sort"], 500, rows)) == 100
    assert [q.example.task for q in suites.ask("embedded", limit=1)] == list(embedded.TASKS)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--suite", "official"], "suite: official needs --rows"),
        (["--rows", "."], "suite: embedded takes no --rows"),
        (["--limit", "0"], "limit: must be at least 1, got 0"),
        (["--limit", "2000"], r"limit: must be in [1, 1000] for the embedded suite, got 2000"),
        (["--tasks", "copy,sorting"], "task: must be one of copy"),
        (["--tasks", "summarization"], "summarization has no rules: it needs the rows (--suite"),
        (["--numerics", "bf16"], "argument --numerics: invalid choice: 'bf16'"),
        (["--scheduler", "topk"], "scheduler: unknown 'topk'"),
        (["--set", "k=1"], "scheduler: unknown option 'k'"),
        (["--batch", "0"], "batch: must be at least 1, got 0"),
        (["--shard", "3/8"], "run: --shard needs --out"),
        (["--mirror", "there"], "run: --mirror needs --out"),
        (["--shard", "9/8"], "--shard: must be i/n with 1 <= i <= n, such as 3/8, got '9/8'"),
        (["--scheduler", "leaderboard"], "leaderboard stands for published grids; add --sweep"),
        (["--sweep", "--set", "tokens=1"], "--sweep: the grids are published ones; leave out"),
        (["--sweep", "--scheduler", "origin"], "--sweep: published grids exist for random, "),
        (["--model", "oracle:copy"], "model: oracles are of shuffle, insert_random"),
        (["--model", "oracle:shuffle", "--tasks", "copy"], "asks its own questions and takes no"),
        (["--out", "/dev/null/run"], "--out: must be a folder that can be written, got /dev/null"),
    ],
)
def test_refuses(
    options: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        use([o.replace("OUT", str(tmp_path)) for o in options], monkeypatch)
    assert message in capsys.readouterr().err


def test_suite_must_be_known() -> None:
    with pytest.raises(ValueError, match="suite: must be one of embedded, official, got 'both'"):
        suites.ask("both")


def test_quick(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Seven rules in three settings each; here only two of the rules."""
    assert len(commands_quick.quick_settings(Checkpoint(random_model()))) == 21
    grids = {rule: commands_quick.GRIDS[rule] for rule in ("margin", "factor")}
    monkeypatch.setattr(commands_quick, "GRIDS", grids)
    monkeypatch.setattr(dllm, "load", lambda name, **_: None)
    monkeypatch.setattr(commands_quick, "Checkpoint", lambda _: Fake())
    command_line.main(["quick", "--limit", "1", "--out", str(tmp_path)])
    shown = capsys.readouterr().out
    assert "12 examples of 12 tasks x 6 settings of 2 schedulers" in shown
    assert "embedded: means of 12 rule tasks" in shown
    assert len(read(tmp_path)[1]) == 72
    drawn = (tmp_path / "curves.svg").is_file()
    assert drawn or "no plot: needs matplotlib" in shown


def test_from_python() -> None:
    """The package itself is the function's home."""
    (result,) = benchmarks.run(Fake(), ["confidence"], ["tokens=8"], tasks=["copy"], limit=2)
    assert (result.name, result.mean.n) == ("confidence tokens=8", 2)
