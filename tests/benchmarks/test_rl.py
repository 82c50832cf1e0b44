"""Reinforcement learning on the benchmark's tasks: recipes, rewards, what runs come to."""

import importlib.util
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import __main__ as command_line
from benchmarks.rl import recipe as recipes
from benchmarks.rl.recipe import questions, read_recipe
from benchmarks.rl.report import figures, plot
from benchmarks.rl.rewards import graded, share, weighted
from benchmarks.tasks import embedded
from benchmarks.tasks.catalogue import KINDS
from benchmarks.tasks.example import Example

FOLDER = Path(recipes.__file__).parent
LEAST = """\
optimizer = {steps = 8, learning_rate = 1e-3}
rollout = {scheduler = "ass", positions = 50, answer = 32, prompts = 2}
tasks = {copy = 1}
"""


def asked(task: str) -> Example:
    return embedded.evaluation(task, 1)[0]


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.toml")), ids=lambda path: path.stem)
def test_shipped_recipes_are_read(path: Path) -> None:
    recipe = read_recipe(path, {"run": {"seed": 3}})
    assert recipe.run.seed == 3
    assert "copy" in recipe.evaluation.tasks


@pytest.mark.parametrize("task", KINDS)
def test_the_right_answer_is_worth_most(task: str) -> None:
    example = asked(task)
    assert graded(example.answer, example) == share(example.answer, example) == 1
    for text in ("", "[", "no idea", "1,2\n3"):
        assert graded(text, example) == 0
        assert 0 <= share(text, example) < 1


def test_shares() -> None:
    sudoku = asked("sudoku_n4")
    right = sudoku.label.replace("\n", "")
    puzzle = sudoku.prompt[-19:].replace("\n", "")
    hole = puzzle.index("0")
    wrong = "1234"[int(right[hole]) % 4]
    digits = right[:hole] + wrong + right[hole + 1 :]
    text = "\n".join(digits[start : start + 4] for start in range(0, 16, 4))
    assert share(text, sudoku) == 0.75
    square = asked("latin_square_n4")
    a, b, c, d = square.label["symbols"]
    rows = [[a, b, c, d], [b, a, d, c], [c, d, a, b], [d, c, b, b]]
    assert share("\n".join(map(",".join, rows)), square) == pytest.approx(46 / 48)
    assert share("\n".join(map(",".join, rows[:2])), square) == pytest.approx(16 / 48)
    line = asked("copy")
    people = list(line.label)
    said = json.dumps([people[0], *reversed(people[1:])], ensure_ascii=False)
    same = sum(a == b for a, b in zip(json.loads(said), people, strict=True))
    assert share(said, line) == pytest.approx(same / len(people))


def test_rewards_by_weight() -> None:
    example = asked("copy")
    rewards = weighted({"graded": 2.0, "share": 0.5})
    assert [reward.__name__ for reward in rewards] == ["graded", "share"]
    assert [reward(example.answer, example) for reward in rewards] == [2.0, 0.5]


def test_questions_are_fresh_and_follow_from_their_generator() -> None:
    recipe = read_recipe(FOLDER / "latin_square.toml")
    draw = questions(recipe)
    drawn = [draw(np.random.default_rng(seed)).label for seed in range(20)]
    assert drawn == [draw(np.random.default_rng(seed)).label for seed in range(20)]
    assert {example.task for example in drawn} == set(recipe.tasks)
    assert not {example.key for example in drawn} & embedded.scored_keys()


def test_sudokus_of_a_recipe_have_its_holes() -> None:
    recipe = read_recipe(FOLDER / "sudoku.toml")
    draw = questions(recipe)
    drawn = [draw(np.random.default_rng(seed)).label for seed in range(20)]
    assert {example.prompt.count("0") for example in drawn} == {recipe.holes}
    scored = {example.key for example in embedded.evaluation("sudoku_n4", 50, recipe.holes)}
    assert {dict(field.split("=") for field in key[1:])["sudoku"].count("0") for key in scored} == {
        recipe.holes
    }
    assert not {example.key for example in drawn} & scored


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"tasks": {"fly": 1.0}}, "tasks must be some of copy, .*fly"),
        ({"rewards": {"graded": 0.0}}, r"rewards must be numbers above 0, got \[0.0"),
        ({"evaluation": {"limit": 0}}, "evaluation.limit must be at least 1, got 0"),
        ({"rollout": {"depth": 1}}, "unknown key rollout.depth"),
        ({"run": {"evaluate_every": 0}}, "run.evaluate_every must be at least 1, got 0"),
        (
            {"optimizer": {"steps": 95}, "objective": {"updates": 2}},
            "optimizer.steps must be a multiple of objective.updates",
        ),
    ],
)
def test_bad_recipes(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"latin_square.toml: {message}"):
        read_recipe(FOLDER / "latin_square.toml", changed)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("tasks 3", "not TOML"),
        ("run = 3", "run must be a table, got 3"),
        ("rewards = 3", "rewards must be a table, got 3"),
        ("evaluation = 3", "evaluation must be a table, got 3"),
        ("lengths = 3", "lengths must be a list, got 3"),
        ("lengths = [4, 3]", r"lengths must be two, of 1 at the least, ascending, got \[4, 3\]"),
        ("holes = 11", r"holes must be in \[1, 10\], got 11"),
        ("walks = 3", "unknown key walks, the known are rollout, .*, tasks, rewards, evaluation"),
    ],
)
def test_values_in_place_of_tables(tmp_path: Path, line: str, message: str) -> None:
    (tmp_path / "bad.toml").write_text(f"{line}\n{LEAST}")
    with pytest.raises(ValueError, match=f"bad.toml: {message}"):
        read_recipe(tmp_path / "bad.toml", {"run": {"evaluate_every": 2}})


def told(accuracy: float, step: int) -> str:
    values = {"copy": accuracy, "copy forwards": 5.0}
    return json.dumps({"step": step, "evaluation": values}) + "\n"


def test_what_runs_come_to(tmp_path: Path) -> None:
    row = {"step": 2, "loss": 0.1, "reward": 0.5, "kl": None, "clip_ratio": 0.0, "forwards": 5.0}
    row = json.dumps({**row, "examples": 16, "seconds": 2.5}) + "\n"
    runs = {seed: tmp_path / str(seed) for seed in (0, 1)}
    for seed, path in runs.items():
        path.mkdir()
        (path / "metrics.jsonl").write_text(told(10.0, 0) + row + told(30.0 + seed, 2))
    found = figures(runs)
    assert found["means"]["copy"] == {"before": 10.0, "after": 30.5}
    assert [run["answers"] for run in found["runs"]] == [16, 16]
    if importlib.util.find_spec("matplotlib"):
        plot(found, tmp_path / "curves.png")
        assert (tmp_path / "curves.png").stat().st_size > 1000
    (runs[0] / "metrics.jsonl").write_text(row)
    with pytest.raises(ValueError, match="a run must have been evaluated"):
        figures({0: runs[0]})


@pytest.mark.slow
def test_trains_from_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (FOLDER / "latin_square.toml").read_text("utf-8").replace("limit = 100", "limit = 2")
    (tmp_path / "small.toml").write_text(text)
    paths = {name: tmp_path / name for name in ("out", "figures.json")}
    command = ["rl", "--config", str(tmp_path / "small.toml"), "--steps", "4", "--seeds", "5"]
    command += ["--out", str(paths["out"]), "--figures", str(paths["figures.json"]), "--quiet"]
    command_line.main(command)
    assert (paths["out"] / "seed-5" / "model" / "model.safetensors").is_file()
    assert "latin_square_n4 forwards: 17.00 before, 17.00 after" in capsys.readouterr().out
    found = json.loads(paths["figures.json"].read_text())
    assert [row["step"] for row in found["runs"][0]["updates"]] == [1, 2, 3, 4]
