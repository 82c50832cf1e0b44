"""A run on the benchmark's tasks: tables `[tasks]`, `[rewards]`, `[evaluation]` beside its own."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

import dllm
from benchmarks.rl.rewards import REWARDS, weighted
from benchmarks.tasks import embedded, sudoku
from benchmarks.tasks.catalogue import KINDS
from benchmarks.tasks.example import Example
from benchmarks.tasks.graders import grade
from dllm.jobs import batch_rows, bucket
from dllm.limits import at_least, must
from dllm.requests import ids_of, make_proposal
from dllm.results import generations
from dllm.rl import Question, Questions, RolloutSettings, Settings
from dllm.rl import train as run_training
from dllm.rl.rollouts import lay_out
from dllm.toml import read
from dllm.train.loop import Evaluate


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """What is decoded now and then, with the rollout's rule at temperature 0."""

    tasks: tuple[str, ...] = ()
    """Left out, those that are learnt."""
    limit: int = 100
    """Scored questions a task; none of them is learnt from."""
    batch: int = 64

    def __post_init__(self) -> None:
        must(all(task in KINDS for task in self.tasks), "evaluation.tasks", _TASKS, self.tasks)
        at_least("evaluation.limit", self.limit, 1)
        at_least("evaluation.batch", self.batch, 1)


_TASKS = f"of {', '.join(KINDS)}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe(Settings):
    """A run on the benchmark's tasks."""

    tasks: dict[str, float]
    """How often each is asked, relative to the others."""
    rewards: dict[str, float] = dataclasses.field(default_factory=lambda: {"graded": 1.0})
    """What each of `benchmarks.rl.rewards.REWARDS` counts."""
    evaluation: Evaluation = Evaluation()
    lengths: tuple[int, int] = embedded.LENGTHS
    """Bounds of the length of a line that is asked about."""
    holes: int = sudoku.HOLES
    """Of a sudoku, also of those that an evaluation asks."""

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least("run.evaluate_every", self.run.evaluate_every, 1)
        low, high = self.lengths
        must(1 <= low <= high, "lengths", "two, of 1 at the least, ascending", list(self.lengths))
        most = sudoku.MOST_HOLES
        must(1 <= self.holes <= most, "holes", f"in [1, {most}]", self.holes)
        for name, table, known in (
            ("tasks", self.tasks, KINDS),
            ("rewards", self.rewards, REWARDS),
        ):
            fits = bool(table) and all(key in known for key in table)
            must(fits, name, f"some of {', '.join(known)}", list(table))
            values = list(table.values())
            plain = all(type(value) in (int, float) and value > 0 for value in values)
            must(plain, name, "numbers above 0", values)


def read_recipe(path: Path, changed: dict[str, dict[str, Any]] | None = None) -> Recipe:
    """A recipe from a TOML file; `changed` replaces values by table and key.

    Raises:
        ValueError: not TOML, an unknown key, or a value that breaks a rule.
    """
    return read(Recipe, path, changed)


def train(recipe: Recipe, out: Path, *, progress: bool | None = None) -> dllm.Model:
    """Trains, or goes on with a run that was cut off; `out/model` is the checkpoint."""
    return run_training(
        recipe,
        questions(recipe),
        weighted(recipe.rewards),
        out=out,
        evaluate=evaluator(recipe),
        progress=progress,
    )


def questions(recipe: Recipe) -> Questions:
    """Draws questions of the recipe's tasks; those that are scored are left out."""
    tasks, exclude = list(recipe.tasks), embedded.scored_keys(holes=recipe.holes)
    shares = np.array(list(recipe.tasks.values())) / sum(recipe.tasks.values())

    def draw(rng: np.random.Generator) -> Question:
        task = tasks[rng.choice(len(tasks), p=shares)]
        example = embedded.sample(task, rng, recipe.lengths, exclude, recipe.holes)
        return Question(example.messages, example)

    return draw


def evaluator(recipe: Recipe) -> Evaluate:
    """Accuracy and forwards an answer by task, on scored questions."""
    tasks = recipe.evaluation.tasks or tuple(recipe.tasks)
    count, holes = recipe.evaluation.limit, recipe.holes
    examples = [each for task in tasks for each in embedded.evaluation(task, count, holes)]

    def evaluate(step: int, model: dllm.Model) -> dict[str, float]:
        del step
        found = answers(model, examples, recipe.rollout, recipe.evaluation.batch)
        figures: dict[str, float] = {}
        for task in tasks:
            own = [pair for pair in zip(found, examples, strict=True) if pair[1].task == task]
            right = sum(grade(task, example.label, said.text) for said, example in own)
            figures[task] = 100 * right / len(own)
            figures[f"{task} forwards"] = sum(said.forwards for said, _ in own) / len(own)
        return figures

    return evaluate


def answers(
    model: dllm.Model, examples: list[Example], asked: RolloutSettings, batch: int
) -> list[dllm.Generation]:
    """Answers by the rollout's rule and blocks, at temperature 0."""
    told = [Question(example.messages) for example in examples]
    layouts = lay_out(model, told, asked, list(range(len(told))))
    length = bucket(max(len(layout.ids) for layout in layouts), model.config.max_length)
    decoded = dllm.decode_many(
        model.network,
        batch_rows(layouts, length),
        dllm.rule(asked.scheduler, ids=ids_of(model), **asked.options),
        make_proposal(model, 0.0, None, None, None, ()),
        batch=min(batch, len(layouts)),
        ends=model.specials.ends,
    ).decoded
    return generations(model, layouts, decoded, model.specials.ends)
