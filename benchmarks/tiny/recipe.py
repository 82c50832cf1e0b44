"""What the tiny model is trained on: the tables `[mixture]` and `[evaluation]` beside a run's own.

Examples are drawn as they are needed, from the rules; the questions that are scored never are.
"""

import dataclasses
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import benchmarks
import dllm
from benchmarks import suites
from benchmarks.tasks import embedded, rows
from benchmarks.tasks.catalogue import KINDS
from benchmarks.tasks.example import Example as Asked
from benchmarks.tiny.vocabulary import write_tokenizer
from dllm.limits import must
from dllm.toml import parse, read_table
from dllm.train import Example, Settings, Source
from dllm.train import train as run_training

Evaluate = Callable[[int, dllm.Model], dict[str, float]]


@dataclasses.dataclass(frozen=True)
class Mixture:
    """How often which kind of example is drawn."""

    weights: dict[str, float] = dataclasses.field(default_factory=dict)
    """By task; 1 where nothing is said."""
    short: float = 0.0
    """Share of lines whose length is drawn from `short_lengths`: they are learnt first."""
    short_lengths: tuple[int, int] = (1, 3)
    official: float = 0.0
    """Share of examples in the official wording, which is read from the folder of rows."""

    def __post_init__(self) -> None:
        unknown = [task for task in self.weights if task not in KINDS]
        must(not unknown, "mixture.weights", f"of tasks {', '.join(KINDS)}", unknown)
        values = list(self.weights.values())
        plain = all(type(value) in (int, float) and 0 <= value < math.inf for value in values)
        must(plain, "mixture.weights", "numbers of 0 at the least", values)
        some = len(values) < len(KINDS) or sum(values) > 0
        must(some, "mixture.weights", "above 0 for a task", values)
        must(0 <= self.short <= 1, "mixture.short", "in [0, 1]", self.short)
        must(0 <= self.official <= 1, "mixture.official", "in [0, 1]", self.official)


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """What is decoded now and then to see how far training is."""

    limit: int = 20
    """Examples a task."""
    scheduler: str = "confidence"


@dataclasses.dataclass(frozen=True)
class Recipe:
    """A training run of the tiny model."""

    settings: Settings
    mixture: Mixture = Mixture()
    evaluation: Evaluation = Evaluation()


def read_recipe(path: Path, changed: dict[str, dict[str, Any]] | None = None) -> Recipe:
    """A recipe from a TOML file; `changed` replaces values by table and key.

    Raises:
        ValueError: an unknown key, or a value that breaks a rule.
    """
    table = read_table(path, changed)
    model = table.get("model", {})
    if isinstance(model, dict) and model.get("init", "scratch") != "scratch":
        model.pop("config", None)
    own = {name: table.pop(name, {}) for name in ("mixture", "evaluation")}
    try:
        mixture = parse(Mixture, own["mixture"], "mixture.")
        evaluation = parse(Evaluation, own["evaluation"], "evaluation.")
        return Recipe(parse(Settings, table), mixture, evaluation)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def train(recipe: Recipe, out: Path, folder: Path | None = None) -> dllm.Model:
    """Trains, or goes on with a run that was cut off; `out/model` is the checkpoint."""
    recipe = with_tokenizer(recipe, out)
    examples = source(recipe.mixture, folder)
    return run_training(recipe.settings, examples, out=out, evaluate=evaluator(recipe.evaluation))


def with_tokenizer(recipe: Recipe, out: Path) -> Recipe:
    """The recipe with its tokenizer, written under `out`, if it starts from scratch."""
    if recipe.settings.model.init != "scratch":
        return recipe
    write_tokenizer(out / "tokenizer")
    model = dataclasses.replace(recipe.settings.model, tokenizer=str(out / "tokenizer"))
    return dataclasses.replace(recipe, settings=dataclasses.replace(recipe.settings, model=model))


def source(mixture: Mixture, folder: Path | None = None) -> Source:
    """Draws examples of the mixture. `folder` holds ParallelBench's rows.

    Raises:
        ValueError: official wordings are wanted and there is no folder, or the other way round.
    """
    if (mixture.official > 0) != (folder is not None):
        needs = "needs --rows" if folder is None else "above 0 beside --rows"
        raise ValueError(f"mixture.official: {needs}, got {mixture.official}")
    tasks = list(KINDS)
    weights = np.array([mixture.weights.get(task, 1.0) for task in tasks])
    shares = weights / weights.sum()
    own_keys = embedded.scored_keys()
    exclude = own_keys if folder is None else own_keys | rows.scored_keys(folder)
    official = None if folder is None else rows.official_sampler(folder, own_keys)

    def draw(rng: np.random.Generator) -> Example:
        task = tasks[rng.choice(len(tasks), p=shares)]
        short = rng.random() < mixture.short
        lengths = mixture.short_lengths if short else embedded.LENGTHS
        if official is not None and rng.random() < mixture.official:
            return _as_example(official(task, rng, lengths))
        return _as_example(embedded.sample(task, rng, lengths, exclude))

    return draw


def evaluator(evaluation: Evaluation) -> Evaluate:
    """Accuracy of the embedded suite's first examples, by task."""
    asked = suites.ask("embedded", limit=evaluation.limit)

    def evaluate(step: int, model: dllm.Model) -> dict[str, float]:
        del step
        rules = [evaluation.scheduler]
        (result,) = benchmarks.run(model, rules, suite=asked, batch=64, progress=False)
        by_task = {task.task: task.accuracy for task in result.figures}
        return {"mean": result.mean.accuracy, **by_task}

    return evaluate


def _as_example(asked: Asked) -> Example:
    return Example(list(asked.messages), asked.answer)
