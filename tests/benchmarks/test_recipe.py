"""Recipes of the tiny model: what they may say, and what they never show."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import __main__ as command_line
from benchmarks.tasks import embedded
from benchmarks.tiny import recipe as recipes
from benchmarks.tiny.recipe import Mixture, read_recipe, source

FOLDER = Path(recipes.__file__).parent
SMALL = {"d_model": 16, "n_layers": 1, "n_heads": 2, "n_kv_heads": 2, "mlp_hidden_size": 32}


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.toml")), ids=lambda path: path.stem)
def test_shipped_recipes_are_read(path: Path) -> None:
    assert read_recipe(path).settings.optimizer.steps > 0


def test_a_checkpoint_replaces_the_config() -> None:
    changed = {"model": {"init": "tiny"}, "optimizer": {"steps": 7, "warmup": 0}}
    settings = read_recipe(FOLDER / "first.toml", changed).settings
    assert (settings.model.init, settings.model.config) == ("tiny", None)
    assert settings.optimizer.steps == 7


def test_every_example_follows_from_its_generator() -> None:
    draw = source(Mixture(short=0.5))
    drawn = [draw(np.random.default_rng(seed)) for seed in range(50)]
    assert drawn == [draw(np.random.default_rng(seed)) for seed in range(50)]
    assert len({example.answer for example in drawn}) > 40


def test_a_scored_question_is_never_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    draw, original, scored = source(Mixture()), embedded.sample, embedded.scored_keys()

    def remember(task: str, rng: np.random.Generator, lengths: Any, exclude: Any) -> Any:
        asked.append(exclude)
        return original(task, rng, lengths, exclude)

    monkeypatch.setattr(embedded, "sample", remember)
    draw(np.random.default_rng(0))
    assert asked == [scored]


@pytest.mark.parametrize(
    ("mixture", "folder", "message"),
    [
        ({"official": 0.5}, None, "mixture.official: needs --rows, got 0.5"),
        ({}, Path("rows"), "mixture.official: above 0 beside --rows, got 0.0"),
    ],
)
def test_official_wordings_need_rows(mixture: dict, folder: Path | None, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        source(Mixture(**mixture), folder)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[mixture]\nshrt = 1", "unknown key mixture.shrt"),
        ("[mixture.weights]\nfly = 1.0", "mixture.weights must be of tasks copy, .*fly"),
        (
            "[mixture.weights]\ncopy = -1.0",
            r"mixture.weights must be numbers of 0 .*, got \[-1.0\]",
        ),
        ("mixture = 3", "mixture must be a table, got 3"),
        ("[mixture]\nshort = 2.0", r"mixture.short must be in \[0, 1\], got 2.0"),
    ],
)
def test_bad_recipes(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        read_recipe(path)


def test_trains_from_the_command_line(tmp_path: Path) -> None:
    recipe = (FOLDER / "first.toml").read_text("utf-8").partition("[optimizer]")[0]
    for name, value in SMALL.items():
        lines = recipe.splitlines()
        recipe = "\n".join(
            f"{name} = {value}" if line.startswith(f"{name} =") else line for line in lines
        )
    recipe = recipe.replace("batch = 96", "batch = 4")
    short = "[mixture]\nshort = 1.0\nshort_lengths = [1, 2]\n"
    optimizer = "[optimizer]\nsteps = 2\nlearning_rate = 1e-3\n"
    path = tmp_path / "small.toml"
    path.write_text(f"{recipe}\n{optimizer}\n{short}")
    out = tmp_path / "run"
    command_line.main(["train", "--config", str(path), "--out", str(out)])
    assert (out / "model" / "model.safetensors").is_file()
    assert len((out / "metrics.jsonl").read_text().splitlines()) == 2


def test_a_value_in_place_of_the_model(tmp_path: Path) -> None:
    path = tmp_path / "bad.toml"
    text = (FOLDER / "fifth.toml").read_text()
    assert "\n[model" not in text
    path.write_text(f"model = 3\n{text}")
    with pytest.raises(ValueError, match=r"bad.toml: model must be a table, got 3"):
        read_recipe(path)
