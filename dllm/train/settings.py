"""What a training run is told: dataclasses for Python, the same names as tables of a TOML file."""

import dataclasses
from typing import Any

from dllm.limits import at_least, must, one_of

SCRATCH = "scratch"
"""`[model] init`: random weights."""


@dataclasses.dataclass(frozen=True)
class ModelSettings:
    """Where the weights come from: a checkpoint, or `scratch` with a config and a tokenizer."""

    init: str = SCRATCH
    config: dict[str, Any] | None = None
    """The config.json to start from scratch with."""
    tokenizer: str | None = None
    """The folder of its tokenizer and chat template."""

    def __post_init__(self) -> None:
        scratch = self.init == SCRATCH
        for name in ("config", "tokenizer"):
            if not scratch:
                must(getattr(self, name) is None, f"model.{name}", "left out beside init", "it")


@dataclasses.dataclass(frozen=True)
class DataSettings:
    """JSONL files of examples, for `dllm train`."""

    files: tuple[str, ...] = ()
    evaluate: tuple[str, ...] = ()
    """What the loss is also measured on, every `run.evaluate_every` steps."""


@dataclasses.dataclass(frozen=True)
class Shape:
    """One compiled batch: `batch` rows of `positions`, the last `answer` of them the answer."""

    positions: int
    answer: int
    batch: int
    weight: float = 1.0
    """How often it is drawn, relative to the others."""

    def __post_init__(self) -> None:
        at_least("shapes.answer", self.answer, 1)
        must(self.positions > self.answer, "shapes.positions", "above answer", self.positions)
        at_least("shapes.batch", self.batch, 1)
        must(self.weight > 0, "shapes.weight", "above 0", self.weight)


@dataclasses.dataclass(frozen=True)
class ObjectiveSettings:
    """The masked-diffusion loss."""

    weighting: str = "elbo"
    """`elbo`: every mask's loss over its probability; `flat`: the mean over masks."""
    full_mask: float = 0.0
    """Share of rows whose whole answer is masked."""
    epsilon: float = 1e-3
    """The least masking probability."""

    def __post_init__(self) -> None:
        one_of("objective.weighting", self.weighting, ("elbo", "flat"))
        must(0 <= self.full_mask <= 1, "objective.full_mask", "in [0, 1]", self.full_mask)
        must(0 < self.epsilon < 1, "objective.epsilon", "in (0, 1)", self.epsilon)


@dataclasses.dataclass(frozen=True)
class OptimizerSettings:
    """AdamW with warm-up, a schedule, clipping and an average of the weights."""

    steps: int
    learning_rate: float
    warmup: int = 0
    name: str = "adamw"
    schedule: str = "cosine"
    """`cosine` falls to 0 at the last step; `constant` stays."""
    weight_decay: float = 0.0
    betas: tuple[float, float] = (0.9, 0.95)
    clip: float = 1.0
    """Longest gradient; 0 is no limit."""
    ema: float = 0.0
    """Decay of the average that is evaluated and exported; 0 takes the weights themselves."""

    def __post_init__(self) -> None:
        at_least("optimizer.steps", self.steps, 1)
        must(self.learning_rate > 0, "optimizer.learning_rate", "above 0", self.learning_rate)
        rule = f"in [0, steps), steps is {self.steps}"
        must(0 <= self.warmup < self.steps, "optimizer.warmup", rule, self.warmup)
        one_of("optimizer.name", self.name, ("adamw",))
        one_of("optimizer.schedule", self.schedule, ("cosine", "constant"))
        at_least("optimizer.weight_decay", self.weight_decay, 0)
        inside = all(0 <= beta < 1 for beta in self.betas)
        must(inside, "optimizer.betas", "in [0, 1)", list(self.betas))
        at_least("optimizer.clip", self.clip, 0)
        must(0 <= self.ema < 1, "optimizer.ema", "in [0, 1)", self.ema)


@dataclasses.dataclass(frozen=True)
class RunSettings:
    """How the run goes: chance, numbers, and when something is written."""

    seed: int = 0
    dtype: str = "float32"
    """Of the forward and backward pass; weights and optimizer are float32."""
    accumulate: int = 1
    """Pieces that a batch is worked through in. They take less memory, and on a CPU less time:
    pieces of about a thousand positions stay in its cache."""
    log_every: int = 10
    checkpoint_every: int = 1000
    evaluate_every: int = 0
    """0 is never."""
    keep: int = 2
    """Checkpoints kept."""
    export: str = "bfloat16"
    """Dtype of the model that is written at the end."""

    def __post_init__(self) -> None:
        must(0 <= self.seed < 2**32, "run.seed", "in [0, 2^32)", self.seed)
        for name in ("dtype", "export"):
            one_of(f"run.{name}", getattr(self, name), ("float32", "bfloat16"))
        for name in ("accumulate", "log_every", "checkpoint_every", "keep"):
            at_least(f"run.{name}", getattr(self, name), 1)
        at_least("run.evaluate_every", self.evaluate_every, 0)


@dataclasses.dataclass(frozen=True)
class Settings:
    """A whole run."""

    shapes: tuple[Shape, ...]
    optimizer: OptimizerSettings
    objective: ObjectiveSettings = ObjectiveSettings()
    run: RunSettings = RunSettings()
    model: ModelSettings = ModelSettings()
    data: DataSettings = DataSettings()

    def __post_init__(self) -> None:
        must(len(self.shapes) > 0, "shapes", "at least one table", "none")
        for shape in self.shapes:
            fits = shape.batch % self.run.accumulate == 0
            rule = f"a multiple of run.accumulate, {self.run.accumulate}"
            must(fits, "shapes.batch", rule, shape.batch)
        if self.data.evaluate:
            at_least("run.evaluate_every beside data.evaluate", self.run.evaluate_every, 1)
