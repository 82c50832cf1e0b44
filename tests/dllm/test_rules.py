"""Choosing rules by text."""

from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

import dllm
from dllm.learn2pd import first_filter
from samplers.budgets import Even, Tokens
from samplers.combine import Overridden, Selected
from samplers.named import RULES
from samplers.overrides import EarlyStop
from samplers.scores import Confidence, Entropy, Tempered
from samplers.selections import Threshold, TopK

USER_FILE = """
import dllm, jax.numpy as jnp

@dllm.scheduler
class Mine:
    least: float = 0.5
    def update(self, key, state, canvas, prediction, place):
        after = dllm.write(canvas, prediction.tokens, dllm.eligible(canvas, prediction, place))
        return dllm.Move(after, state, dllm.filled(after, place))

@dllm.part
class Peaked:
    slot = "score"
    weight: float = 0.1
    def __call__(self, view):
        return view.prediction.log_confidence - self.weight * view.prediction.entropy

@dllm.part
class Slotless:
    weight: float = 0.1

class Under(Mine):
    pass

class Bare:
    def init(self, canvas): ...
    def update(self, key, state, canvas, prediction, place): ...
"""


def rule(*arguments: Any, **options: Any) -> Any:
    """Untyped, to look inside."""
    return dllm.rule(*arguments, **options)


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    path = tmp_path / "mine.py"
    path.write_text(USER_FILE)
    return path


@pytest.mark.parametrize("name", RULES)
def test_every_name_makes_a_scheduler(name: str) -> None:
    needed = {"answer_start": 4} if name == "prophet" else {}
    ids = {"eos": 1, "vocab": 16, "filter": first_filter(8)}
    assert isinstance(rule(name, ids=ids, **needed), dllm.Scheduler)


def test_parts_join() -> None:
    made = rule("entropy+llada+early_stop", steps=16, eos=2, reach="before")
    assert made == Overridden(
        Selected(Entropy(), Even(16), TopK(), reach="before"), (EarlyStop(2),), None
    )


def test_options_reach_their_part() -> None:
    assert rule("confidence", tokens=4) == Selected(Confidence(), Tokens(4), TopK())
    assert rule("threshold", threshold=1).select == Threshold(1.0)
    assert rule("entropy+dream", alg_temp=0.5).score == Tempered(Entropy(), 0.5)


def test_numbers_may_come_from_numpy_and_jax() -> None:
    for half in (np.linspace(0.1, 0.9, 3)[1], jnp.float32(0.5), np.float32(0.5), np.array(0.5)):
        assert rule("threshold", threshold=half).select == Threshold(0.5)
    for two in (np.int64(2), jnp.int32(2), np.array(2)):
        assert rule("confidence", tokens=two).budget == Tokens(2)
    assert rule("dream", steps=np.int64(8), blocks=jnp.int32(2)).budget.steps == 4
    assert rule("factor", factor=np.int32(2)).select.factor == 2.0


def test_postponed_annotations_are_read(mine: Path) -> None:
    mine.write_text("from __future__ import annotations\n" + USER_FILE)
    assert rule(f"{mine}:Mine", least=1).least == 1.0
    assert type(rule(f"{mine}:Mine", least=np.float32(1)).least) is float
    with pytest.raises(ValueError, match=r"Mine: least must be float, got 'abc'"):
        rule(f"{mine}:Mine", least="abc")


def test_a_models_ids_are_defaults() -> None:
    ids = {"eos": 7, "mask": 9}
    assert rule("threshold+early_stop", ids=ids).overrides == (EarlyStop(7),)
    assert rule("threshold+early_stop", ids=ids, eos=3).overrides == (EarlyStop(3),)


def test_a_users_scheduler_is_accepted_where_a_name_is(mine: Path) -> None:
    made = rule(f"{mine}:Mine+early_stop", least=0.25, eos=1)
    assert made.rule.least == 0.25
    assert type(rule(f"{mine}:Mine")) is type(made.rule)
    part = rule(f"{mine}:Peaked+threshold", weight=0.3)
    assert part.score.weight == 0.3
    assert part.select == Threshold()


def test_a_changed_file_is_loaded_again(mine: Path) -> None:
    before = rule(f"{mine}:Mine")
    mine.write_text(USER_FILE.replace("0.5", "0.75") + "\n")
    assert (before.least, rule(f"{mine}:Mine").least) == (0.5, 0.75)


def test_sweeps_multiply() -> None:
    choices = dllm.sweep("llada+margin", ["steps=4,8", "tokens=none"])
    assert [choice.options for choice in choices] == [
        {"steps": 4, "tokens": None},
        {"steps": 8, "tokens": None},
    ]
    assert len(dllm.sweep("dream", ["steps=8,16", "eps=0.001,0", "alg_temp=0.1"])) == 4
    assert [choice.options for choice in dllm.sweep("threshold")] == [{}]


def test_several_rules_take_what_they_know() -> None:
    choices = dllm.sweep(["threshold", "factor"], ["threshold=0.5,0.9"])
    assert [(choice.text, choice.options) for choice in choices] == [
        ("threshold", {"threshold": 0.5}),
        ("threshold", {"threshold": 0.9}),
        ("factor", {}),
    ]


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        (
            "thresold",
            {},
            "scheduler: unknown 'thresold', did you mean 'threshold'\\? the known are confidence, "
            "entropy, margin, .* or file.py:Class",
        ),
        ("zzz", {}, "scheduler: unknown 'zzz'; the known are confidence"),
        ("threshold", {"tau": 0.5}, "unknown option 'tau'; threshold takes threshold"),
        ("threshold", {"threshold": 1.7}, r"threshold must be in \[0.0, 1.0\], got 1.7"),
        ("threshold", {"threshold": "high"}, "threshold: threshold must be float, got 'high'"),
        ("factor", {"factor": -1}, "Factor: factor must be at least 0.0, got -1.0"),
        ("confidence", {"tokens": 0}, "Tokens: tokens must be at least 1, got 0"),
        ("llada", {"steps": 2.5}, "llada: steps must be int, got 2.5"),
        ("llada", {"steps": np.float32(2.5)}, "llada: steps must be int, got 2.5"),
        ("threshold", {"threshold": np.float32(1.5)}, r"must be in \[0.0, 1.0\], got 1.5"),
        ("threshold", {"threshold": np.ones(2)}, "threshold: threshold must be float, got array"),
        ("threshold", {"threshold": None}, "threshold: threshold must be float, got None"),
        ("threshold", {"threshold": True}, "threshold: threshold must be float, got True"),
        (
            "threshold",
            {"threshold": 0.5, "threshold.threshold": 0.9},
            "scheduler: option 'threshold' is also given as 'threshold.threshold'; keep one",
        ),
        (
            "left_to_right+threshold",
            {},
            "Threshold compares scores with probabilities, and LeftToRight gives none",
        ),
        ("random+threshold", {}, "Threshold compares scores with probabilities, and Random gives"),
        ("random+factor_published", {}, "Factor compares scores with probabilities, and"),
        (
            "entropy+origin",
            {},
            "Bernoulli looks at no score, so a score has no effect; got Entropy",
        ),
        (
            "llada+threshold",
            {},
            "Threshold decides by itself how many positions to write, so a bud",
        ),
        ("llada", {"reach": "all"}, r"reach must be one of \('block', 'before'\), got 'all'"),
        ("llada", {"steps": 0}, "Even: steps must be at least 1, got 0"),
        ("dream", {"eps": 2.0}, r"Dream: eps must be in \[0.0, 1.0\], got 2.0"),
        ("dream", {"steps": 8, "blocks": 3}, "blocks must divide steps, got 8 steps, 3 blocks"),
        ("dream", {"alg_temp": -1.0}, "Tempered: temperature must be at least 1e-06, got -1.0"),
        ("threshold+early_stop", {}, "early_stop: option eos has to be given"),
        ("threshold+factor", {}, "threshold and factor both decide the select; keep one of them"),
        ("threshold+threshold", {}, "each part may be named once, got threshold twice"),
        ("llada+dream", {"steps": 8}, "option 'steps' is ambiguous; say llada.steps or dream.ste"),
        ("llada+dream", {}, "llada and dream both decide the budget"),
    ],
)
def test_refuses_bad_rules(text: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        rule(text, **options)


@pytest.mark.parametrize(
    ("sets", "message"),
    [
        (["threshold"], "--set: must be key=value or key=v1,v2, got 'threshold'"),
        (["=3"], "--set: must be key=value or key=v1,v2, got '=3'"),
        (["threshold=1", "threshold=2"], "--set: threshold is set twice; give its values as v1,v2"),
        (
            ["threshold=0.5,0.6", "threshold.threshold=0.9"],
            "scheduler: option 'threshold' is also given as 'threshold.threshold'; keep one",
        ),
        (["tau=1"], "scheduler: unknown option 'tau'; threshold takes threshold"),
    ],
)
def test_refuses_bad_sets(sets: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        dllm.sweep("threshold", sets)


def test_refuses_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"scheduler: no file .*gone.py \(looked for cla"):
        rule(f"{tmp_path}/gone.py:Rule")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("import nothing_like_it\n", r"mine.py:1 failed to import: ModuleNotFoundError: No module"),
        ("x = 1\ny = 1 / 0\n", r"mine.py:2 failed to import: ZeroDivisionError: division by zero"),
        ("def broken(:\n", r"mine.py:1 failed to import: SyntaxError: "),
    ],
)
def test_refuses_a_file_that_fails_to_import(mine: Path, source: str, message: str) -> None:
    mine.write_text(source)
    with pytest.raises(ImportError, match=message):
        rule(f"{mine}:Mine")


def test_refuses_classes_that_are_no_rules(mine: Path) -> None:
    with pytest.raises(
        ValueError, match=r"has no class 'Yours'; it has Mine, Peaked, Slotless, Un"
    ):
        rule(f"{mine}:Yours")
    with pytest.raises(TypeError, match=r"must be a scheduler .* or a part that says slot = one"):
        rule(f"{mine}:Slotless")
    with pytest.raises(TypeError, match=r"must be decorated with @dllm.scheduler or @dllm.part"):
        rule(f"{mine}:Bare")
    with pytest.raises(TypeError, match=r"mine.py:Under: Under is no pytree; decorate the class"):
        rule(f"{mine}:Under")
    with pytest.raises(ValueError, match=r"unknown option 'lest'; .*Mine takes least"):
        rule(f"{mine}:Mine", lest=1.0)
    with pytest.raises(ValueError, match=r"rule already decides what to write, got also select"):
        rule(f"{mine}:Mine+threshold")
