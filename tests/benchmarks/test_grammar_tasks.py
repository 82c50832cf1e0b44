"""Embedded tasks with a grammar and without: questions, counts, the command."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import dllm
from benchmarks.__main__ import main
from benchmarks.grammar.questions import FAMILIES, Question
from benchmarks.grammar.task_report import plot, table
from dllm.token_bytes import vocabulary_of
from grammar import MASK, compile_grammar, completable

ARM = {"valid": 1.0, "right": 0.5, "forwards": 4.0}
FIGURES = {
    "family": "lists",
    "language": "names",
    "rule": "confidence",
    "options": {"tokens": 8},
    "without": ARM,
    "with": ARM | {"forced": 3.0, "taken_back": 0.0},
    "unmasked": ARM | {"right": 0.75},
    "nothing_for_free": ARM,
    "forwards_saved": 0.5,
}


@pytest.fixture(scope="module")
def model() -> dllm.Model:
    return dllm.load("tiny")


@pytest.fixture(scope="module")
def asked(model: dllm.Model) -> Callable[[str], list[Question]]:
    def ask(family: str) -> list[Question]:
        assert model.tokenizer is not None
        return FAMILIES[family](model.tokenizer, 1, np.random.default_rng(0))

    return ask


@pytest.mark.parametrize("family", FAMILIES)
def test_every_question_has_an_answer(
    family: str, model: dllm.Model, asked: Callable[[str], list[Question]]
) -> None:
    vocabulary = vocabulary_of(model, frozenset(model.specials.ends), frozenset())
    for question in asked(family)[:3]:
        assert MASK in question.canvas
        assert question.right("") == 0
        for language in question.languages.values():
            compile_grammar(language, vocabulary).require(question.canvas)


def test_right_answers_are_texts_of_their_languages(
    asked: Callable[[str], list[Question]],
) -> None:
    copy = asked("lists")[0]
    answer = copy.prompt.partition(": ")[2]
    assert copy.right(answer) == 1
    assert all(completable(language, [answer]) for language in copy.languages.values())
    assert completable(copy.languages["texts"], ['["Ann Lee"]'])
    assert not completable(copy.languages["names"], ['["Ann Lee"]'])
    sum_ = asked("arithmetic")[0]
    text = sum_.prompt.removeprefix("Copy: ")
    assert sum_.right(text) == 1
    assert completable(sum_.languages["arithmetic"], [text])


def test_records_are_right_by_their_fields(asked: Callable[[str], list[Question]]) -> None:
    (record,) = asked("records")
    people = json.loads(record.prompt.partition(": ")[2])
    wanted = {"first": people[0], "last": people[-1], "people": 3}
    assert record.right(json.dumps(wanted)) == 1
    assert record.right(json.dumps(wanted | {"people": 4})) == pytest.approx(2 / 3)
    assert record.right("[]") == record.right("{") == 0
    assert completable(record.languages["schema"], [json.dumps(wanted)])
    assert not completable(record.languages["schema"], [json.dumps(wanted | {"last": "Ann Lee"})])


def test_table_and_picture(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    row = table([FIGURES]).splitlines()[-1]
    assert "| lists, names | confidence tokens=8 | 100 → 100 | 50.0 → 50.0 | 75.0 |" in row
    plot([FIGURES, FIGURES], tmp_path / "new" / "tasks.png")
    assert (tmp_path / "new" / "tasks.png").stat().st_size > 1000


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--tasks", "lists,x"], "--tasks: must be of lists, holes, "),
        (["--tasks", ","], "--tasks: must be of lists, holes, "),
        (["--tasks", "--languages", "json"], "--tasks: must be without --languages, got 'json'"),
        (["--tasks", "--programs", "3"], "--tasks: must be without --programs, got 3"),
        (["--limit", "3"], "--limit: must stand beside --tasks, got 3"),
        (["--set", "tokens=1"], "--set: must stand beside --tasks, got ['tokens=1']"),
        (["--tasks", "--limit", "0"], "--limit must be at least 1, got 0"),
        (["--tasks", "--limit", "1001"], "--limit must be at most 1000, got 1001"),
        (["--tasks", "--batch", "0"], "--batch must be at least 1, got 0"),
        (["--tasks", "--seed", "-1"], "--seed must be at least 0, got -1"),
        (["--tasks", "--scheduler", "nobody"], "nobody"),
    ],
)
def test_mistakes_are_told_in_a_sentence(
    options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["grammar", *options])
    assert message in capsys.readouterr().err


@pytest.mark.slow
def test_answers_under_a_grammar_are_valid(tmp_path: Path) -> None:
    out = tmp_path / "tasks.json"
    named = ["--tasks", "lists,holes,arithmetic", "--limit", "1", "--batch", "4"]
    main(["grammar", *named, "--no-progress", "--out", str(out)])
    figures = json.loads(out.read_text())["figures"]
    assert [one["language"] for one in figures] == ["texts", "names", "names", "arithmetic"]
    for one in figures:
        assert all(one[arm]["valid"] == 1 for arm in ("with", "unmasked", "nothing_for_free"))
        assert one["nothing_for_free"]["forced"] == 0
        assert one["with"]["right"] >= one["without"]["right"]
