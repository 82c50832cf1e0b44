"""Settings from TOML: what is accepted, and what each refusal says."""

from pathlib import Path

import pytest

from dllm.train import (
    DataSettings,
    ModelSettings,
    ObjectiveSettings,
    OptimizerSettings,
    RunSettings,
    Settings,
    Shape,
    read_settings,
)

LEAST = """
[[shapes]]
positions = 8
answer = 4
batch = 2
[optimizer]
steps = 5
learning_rate = 1
"""

FULL = """
[model]
init = "there"
[data]
files = ["rows.jsonl", "elsewhere.jsonl"]
evaluate = ["rows.jsonl"]
[[shapes]]
positions = 8
answer = 4
batch = 2
[[shapes]]
positions = 16
answer = 8
batch = 4
weight = 2
[objective]
weighting = "flat"
full_mask = 0.25
[optimizer]
steps = 5
learning_rate = 1e-3
warmup = 2
weight_decay = 0.1
betas = [0.9, 0.98]
clip = 0.5
ema = 0.9
schedule = "constant"
[run]
seed = 7
dtype = "bfloat16"
accumulate = 2
evaluate_every = 3
"""


def read(folder: Path, text: str) -> Settings:
    (folder / "config.toml").write_text(text, "utf-8")
    return read_settings(folder / "config.toml")


def test_defaults(tmp_path: Path) -> None:
    expected = Settings((Shape(8, 4, 2),), OptimizerSettings(steps=5, learning_rate=1.0))
    assert read(tmp_path, LEAST) == expected


def test_everything_and_paths_beside_the_file(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "rows.jsonl").touch()
    rows = str(tmp_path / "rows.jsonl")
    assert read(tmp_path, FULL) == Settings(
        (Shape(8, 4, 2), Shape(16, 8, 4, 2.0)),
        OptimizerSettings(5, 1e-3, 2, "adamw", "constant", 0.1, (0.9, 0.98), 0.5, 0.9),
        ObjectiveSettings("flat", 0.25),
        RunSettings(7, "bfloat16", 2, evaluate_every=3),
        ModelSettings(str(tmp_path / "there")),
        DataSettings((rows, "elsewhere.jsonl"), (rows,)),
    )


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[optimizer]", "[optimiser]", "unknown key optimiser, the known are shapes, optimizer, "),
        ("steps =", "step =", "unknown key optimizer.step, the known are steps, learning_rate, "),
        ("batch = 2", "batches = 2", "unknown key shapes.batches, the known are positions, answer"),
        ("steps = 5", "", "optimizer.steps is missing"),
        ("steps = 5", "steps = 5.5", "optimizer.steps must be of type int, got 5.5"),
        ("steps = 5", "steps = true", "optimizer.steps must be of type int, got True"),
        ("steps = 5", "steps = 0", "optimizer.steps must be at least 1, got 0"),
        ("steps = 5", "steps 5", "not TOML"),
        ("learning_rate = 1", 'learning_rate = "1"', "learning_rate must be of type float, got 1"),
        ("learning_rate = 1", "learning_rate = inf", "learning_rate must be finite, got inf"),
        ("learning_rate = 1", "learning_rate = 0", "learning_rate must be above 0, got 0.0"),
        ("answer = 4", "answer = 8", "shapes.positions must be above answer, got 8"),
        ("answer = 4", "answer = 0", "shapes.answer must be at least 1, got 0"),
        ("batch = 2", "batch = 0", "shapes.batch must be at least 1, got 0"),
        ("batch = 2", "batch = 2\nweight = 0", "shapes.weight must be above 0, got 0.0"),
    ],
)
def test_refusals(tmp_path: Path, old: str, new: str, message: str) -> None:
    with pytest.raises(ValueError, match=r"config\.toml: ") as refused:
        read(tmp_path, LEAST.replace(old, new, 1))
    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("warmup = 5", "optimizer.warmup must be in [0, steps), steps is 5, got 5"),
        ('name = "sgd"', "optimizer.name must be one of adamw, got 'sgd'"),
        ('schedule = "step"', "optimizer.schedule must be one of cosine, constant, got 'step'"),
        ("weight_decay = -1", "optimizer.weight_decay must be at least 0, got -1.0"),
        ("betas = [0.9]", "optimizer.betas must be a list of 2, got [0.9]"),
        ("betas = [0.9, 1]", "optimizer.betas must be in [0, 1), got [0.9, 1.0]"),
        ("clip = -1", "optimizer.clip must be at least 0, got -1.0"),
        ("ema = 1", "optimizer.ema must be in [0, 1), got 1.0"),
        ("[run]\nseed = -1", "run.seed must be in [0, 2^32), got -1"),
        ('[run]\ndtype = "half"', "run.dtype must be one of float32, bfloat16, got 'half'"),
        ('[run]\nexport = "half"', "run.export must be one of float32, bfloat16, got 'half'"),
        ("[run]\nkeep = 0", "run.keep must be at least 1, got 0"),
        ("[run]\nlog_every = 0", "run.log_every must be at least 1, got 0"),
        ("[run]\ncheckpoint_every = 0", "run.checkpoint_every must be at least 1, got 0"),
        ("[run]\nevaluate_every = -1", "run.evaluate_every must be at least 0, got -1"),
        ("[run]\naccumulate = 0", "run.accumulate must be at least 1, got 0"),
        ("[run]\naccumulate = 3", "shapes.batch must be a multiple of run.accumulate, 3, got 2"),
        ('[objective]\nweighting = "x"', "weighting must be one of elbo, flat, got 'x'"),
        ("[objective]\nfull_mask = 2", "objective.full_mask must be in [0, 1], got 2.0"),
        ("[objective]\nepsilon = 0", "objective.epsilon must be in (0, 1), got 0.0"),
        ('[data]\nfiles = "x"', "data.files must be a list, got x"),
        ("[data]\nfiles = [1]", "data.files must be of type str, got 1"),
        (
            '[data]\nevaluate = ["x"]',
            "run.evaluate_every beside data.evaluate must be at least 1, got 0",
        ),
        ("[model]\nconfig = 1", "model.config must be a table, got 1"),
        (
            '[model]\ninit = "x"\n[model.config]\nn_layers = 1',
            "model.config must be left out beside init, got it",
        ),
        ("[[objective]]\nx = 1", "objective must be a table, got [{'x': 1}]"),
    ],
)
def test_values_out_of_bounds(tmp_path: Path, line: str, message: str) -> None:
    with pytest.raises(ValueError, match=r"config\.toml: ") as refused:
        read(tmp_path, LEAST + line)
    assert message in str(refused.value)


def test_no_shapes() -> None:
    with pytest.raises(ValueError, match="shapes must be at least one table, got none"):
        Settings((), OptimizerSettings(5, 1e-3))
