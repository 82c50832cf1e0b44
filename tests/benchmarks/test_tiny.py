"""The model that comes with the package solves what it was trained for."""

from importlib import resources
from pathlib import Path

import pytest

import dllm
from benchmarks import run
from benchmarks.runner.samples import by_task
from benchmarks.tiny.vocabulary import build
from dllm.requests import find_rule, ids_of
from samplers.filter import load_filter

FOLDER = Path(str(resources.files("dllm.models") / "tiny"))
FEW = ("copy", "reverse", "remove_random", "replace_index")


@pytest.fixture(scope="module")
def tiny() -> dllm.Model:
    return dllm.load("tiny")


def test_is_an_ordinary_checkpoint(tiny: dllm.Model) -> None:
    assert tiny.family.name == "LLaDA"
    assert tiny.config.max_length == 512
    assert tiny.chat is not None
    assert (FOLDER / "model.safetensors").stat().st_size < 16 * 2**20


def test_its_filter_comes_with_it(tiny: dllm.Model) -> None:
    path = ids_of(tiny)["filter"]
    assert path == str(FOLDER / "learn2pd.safetensors")
    assert load_filter(path).width == 32
    assert isinstance(find_rule(tiny, "learn2pd"), dllm.Scheduler)


def test_tokenizer_is_the_one_that_is_built() -> None:
    """Other wordings or names make another vocabulary, and the weights would not know it."""
    assert (FOLDER / "tokenizer.json").read_text("utf-8") == build().to_str(pretty=True)


def test_one_token_a_step_solves_tasks_with_one_answer_and_with_many(tiny: dllm.Model) -> None:
    (result,) = run(tiny, tasks=FEW, limit=8, batch=32, progress=False)
    right = {task: sum(s.score for s in listed) for task, listed in by_task(result.samples).items()}
    assert min(right.values()) >= 7, right
