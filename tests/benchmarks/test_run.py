"""The runner on random weights and on answers made up: what it decodes, grades and writes."""

import dataclasses
import json
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

import dllm
from benchmarks import __main__ as command_line
from benchmarks import run, suites
from benchmarks.tasks import embedded, official
from benchmarks.tiny import vocabulary
from tests import checkpoints
from tests.benchmarks.parallelbench import as_row, own_names, write_rows

KEYS = {
    *("task", "number", "prompt", "answer", "text", "score", "score_strict"),
    *("forwards", "tokens_per_step"),
}


def make(folder: Path) -> Path:
    """A checkpoint of random weights with the tiny model's tokenizer."""
    changed: dict[str, Any] = {
        **{"mask_token_id": 2044, "eos_token_id": 2045, "pad_token_id": 2045},
        **{"vocab_size": 2048, "embedding_size": 2048, "n_layers": 1},
    }
    checkpoints.make(folder, **changed)
    vocabulary.write_tokenizer(folder)
    return folder


@cache
def model() -> dllm.Model:
    with TemporaryDirectory() as folder:
        return dllm.load(make(Path(folder) / "random"))


def use(options: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "load", lambda name: model())
    command_line.main(["run", "--model", "any", *options])


def read(folder: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    lines = (folder / "samples.jsonl").read_text("utf-8").splitlines()
    return json.loads((folder / "results.json").read_text()), [json.loads(line) for line in lines]


def rows_of(folder: Path, *tasks: str) -> Path:
    for task in tasks:
        write_rows(folder, task, [as_row(made) for made in official.instances(task, own_names())])
    return folder


def test_embedded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--tasks", "copy,reverse", "--limit", "1", "--set", "tokens=8", "--batch", "2"]
    use([*options, "--out", str(tmp_path / "new" / "run")], monkeypatch)
    results, samples = read(tmp_path / "new" / "run")
    assert [sample["task"] for sample in samples] == ["copy", "reverse"]
    assert all(set(sample) == KEYS for sample in samples)
    asked = [e.prompt for task in ("copy", "reverse") for e in embedded.evaluation(task, 1)]
    assert [sample["prompt"] for sample in samples] == asked
    assert [sample["forwards"] for sample in samples] == [4, 4]
    assert results["scheduler"] == "confidence"
    assert results["set"] == ["tokens=8"]
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


def test_official(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(dllm, "generate", lambda *_, **options: [said("")])
    rows = rows_of(tmp_path / "rows", "remove_random")
    (rows / "text_writing-paraphrasing.jsonl").write_text("{}\n")
    options = ["--suite", "official", "--rows", str(rows), "--limit", "1"]
    use([*options, "--out", str(tmp_path / "run")], monkeypatch)
    results, samples = read(tmp_path / "run")
    assert list(results["tasks"]) == ["remove_random"]
    assert results["tasks"]["remove_random"]["forwards"] == 7
    assert samples[0]["prompt"].startswith("You are managing a waiting line")
    assert "not run: paraphrasing needs the text grader" in capsys.readouterr().out


def test_examples_are_asked_as_conversations(monkeypatch: pytest.MonkeyPatch) -> None:
    """And answers are graded and averaged."""
    asked: list[Any] = []
    rows = [official.example(made) for made in official.instances("sort", own_names())]

    def answers(model: dllm.Model, prompts: list[Any], **options: Any) -> list[dllm.Generation]:
        asked.append((prompts, options))
        return [said(row.answer if i else "no idea") for i, row in enumerate(rows[:4])]

    monkeypatch.setattr(dllm, "generate", answers)
    samples = run.run(model(), {"sort": rows[:4]}, "threshold", seed=5)["sort"]
    assert run.summarise(samples) == run.Figures("sort", 4, 75.0, 75.0, 7.0, 4.5)
    ((prompts, options),) = asked
    assert prompts == [row.messages for row in rows[:4]]
    assert len(prompts[0]) == 3
    assert (options["gen_length"], options["block_length"]) == (32, 32)
    assert options["seed"] == [5, 6, 7, 8]


def test_tasks_with_answers_of_one_length_share_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    lengths: list[int] = []

    def answers(model: dllm.Model, prompts: list[Any], **options: Any) -> list[dllm.Generation]:
        lengths.append(options["gen_length"])
        return [said(str(prompt[-1]["content"])) for prompt in prompts]

    monkeypatch.setattr(dllm, "generate", answers)
    suite = {task: embedded.evaluation(task, 2) for task in ("copy", "sudoku_n4", "sort")}
    samples = run.run(model(), suite, "threshold")
    assert lengths == [32, 64]
    assert list(samples) == list(suite)
    for task, examples in suite.items():
        assert [sample.text for sample in samples[task]] == [e.prompt for e in examples]
        assert [sample.number for sample in samples[task]] == [0, 1]


def said(text: str) -> dllm.Generation:
    return dllm.Generation(
        text=text,
        tokens=[],
        log_probs=[],
        prompt=[],
        outcome="filled",
        forwards=7,
        evaluations=7,
        steps=7,
        tokens_per_step=4.5,
        seed=0,
    )


def test_mean_weighs_tasks_alike() -> None:
    first = run.Figures("copy", 10, 100.0, 90.0, 4.0, 8.0)
    second = run.Figures("sort", 30, 50.0, 30.0, 8.0, 4.0)
    assert run.mean([first, second]) == run.Figures("mean of 2", 40, 75.0, 60.0, 6.0, 6.0)


def test_fewer_rows_are_of_all_lengths(tmp_path: Path) -> None:
    rows = rows_of(tmp_path, "sort")
    chosen = suites.choose("official", ["sort"], 8, rows)["sort"]
    assert [len(example.label) for example in chosen] == [3, 3, 4, 4, 5, 5, 6, 6]
    assert len(suites.choose("official", ["sort"], 500, rows)["sort"]) == 100
    assert list(suites.choose("embedded", limit=1)) == list(embedded.TASKS)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--suite", "official"], "suite: official needs --rows"),
        (["--rows", "."], "suite: embedded takes no --rows"),
        (["--limit", "0"], "limit: must be at least 1, got 0"),
        (["--limit", "2000"], r"limit: must be in [1, 1000] for the embedded suite, got 2000"),
        (["--tasks", "copy,sorting"], "task: must be one of copy"),
        (["--tasks", "summarization"], "task: summarization needs the text grader"),
        (["--scheduler", "topk"], "scheduler: unknown 'topk'"),
        (["--set", "k=1"], "scheduler: unknown option 'k'"),
        (["--set", "tokens=1,2"], "--set: needs one value each, got 2 combinations"),
    ],
)
def test_refuses(
    options: list[str],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        use(options, monkeypatch)
    assert message in capsys.readouterr().err


def test_suite_must_be_known() -> None:
    with pytest.raises(ValueError, match="suite: must be one of embedded, official, got 'both'"):
        suites.choose("both")


def test_tiny_model_is_named_where_it_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "FOLDER", tmp_path / "gone")
    with pytest.raises(ValueError, match=r"model: tiny is looked for in .*gone, which is not"):
        run.load("tiny")
    monkeypatch.setattr(run, "FOLDER", make(tmp_path / "there"))
    assert run.load("tiny").config == model().config
    assert dataclasses.asdict(run.load(str(tmp_path / "there")).config)["vocab"] == 2048
