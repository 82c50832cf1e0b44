"""What a run of reinforcement learning is told: dataclasses, the same names as tables of TOML."""

import dataclasses
from itertools import accumulate, pairwise
from typing import Any

from dllm.limits import at_least, must, one_of
from dllm.rl.objective import NORMALISATIONS
from dllm.train.settings import ModelSettings, OptimizerSettings, RunSettings


@dataclasses.dataclass(frozen=True)
class RolloutSettings:
    """How answers are drawn: `prompts` of them, each answered `group` times."""

    scheduler: str
    """A rule's name, as `dllm.rule` takes it."""
    positions: int
    """Of a canvas, prompt and answer; longer prompts are drawn again."""
    answer: int
    prompts: int
    group: int = 6
    options: dict[str, Any] = dataclasses.field(default_factory=dict)
    """The rule's."""
    block_length: int | None = None
    """Of equal blocks; left out, the answer is one block, or goes in the model's own."""
    blocks: tuple[int, ...] = ()
    """Lengths of unequal blocks, in their place."""
    temperature: float = 1.0
    batch: int = 0
    """Rows decoded at a time; 0 is all of them."""

    def __post_init__(self) -> None:
        for name, least in (("answer", 1), ("prompts", 1), ("group", 2), ("batch", 0)):
            at_least(f"rollout.{name}", getattr(self, name), least)
        must(self.positions > self.answer, "rollout.positions", "above answer", self.positions)
        must(self.temperature > 0, "rollout.temperature", "above 0", self.temperature)
        if self.blocks:
            must(self.block_length is None, "rollout.blocks", "left out beside block_length", "it")
            fits = min(self.blocks) > 0 and sum(self.blocks) == self.answer
            rule = f"lengths that add up to answer, {self.answer}"
            must(fits, "rollout.blocks", rule, list(self.blocks))

    @property
    def rows(self) -> int:
        """Answers of one rollout."""
        return self.prompts * self.group

    def bounds(self, prompt: int) -> list[tuple[int, int]]:
        """The bounds of the unequal blocks behind a prompt."""
        return list(pairwise(accumulate(self.blocks, initial=prompt)))


@dataclasses.dataclass(frozen=True)
class ObjectiveSettings:
    """The consistency-trajectory loss; the defaults are the published ones."""

    updates: int = 8
    """Inner updates: optimizer steps on one rollout."""
    epsilon: float = 0.5
    """How far a ratio may move from 1 before it is clipped."""
    beta: float = 0.04
    """What the divergence from the starting model counts; 0 leaves it out."""
    normalisation: str = "paper"
    """`paper` (Eq. 11) or `code`, see `dllm.rl.objective.weights`."""

    def __post_init__(self) -> None:
        at_least("objective.updates", self.updates, 1)
        must(self.epsilon > 0, "objective.epsilon", "above 0", self.epsilon)
        at_least("objective.beta", self.beta, 0)
        one_of("objective.normalisation", self.normalisation, NORMALISATIONS)


@dataclasses.dataclass(frozen=True)
class LoraSettings:
    """Adapters of low rank in place of full fine-tuning."""

    rank: int = 128
    alpha: float = 64.0
    """Adapters are multiplied by alpha / rank."""

    def __post_init__(self) -> None:
        at_least("lora.rank", self.rank, 1)
        must(self.alpha > 0, "lora.alpha", "above 0", self.alpha)

    @property
    def scale(self) -> float:
        """What an adapter's product is multiplied by."""
        return self.alpha / self.rank


@dataclasses.dataclass(frozen=True)
class Settings:
    """A whole run. `optimizer.steps` counts updates: a rollout takes `objective.updates` of them.

    `run.accumulate` is the number of pieces that a transition of all rows would be worked through
    in: gradients are added up over pieces, so that memory does not grow with transitions.
    """

    rollout: RolloutSettings
    optimizer: OptimizerSettings
    objective: ObjectiveSettings = ObjectiveSettings()
    lora: LoraSettings | None = None
    """Left out, all parameters are tuned."""
    run: RunSettings = dataclasses.field(default_factory=RunSettings)
    model: ModelSettings = dataclasses.field(default_factory=ModelSettings)

    def __post_init__(self) -> None:
        updates, rows = self.objective.updates, self.rollout.rows
        rule = f"a multiple of objective.updates, {updates}"
        must(self.optimizer.steps % updates == 0, "optimizer.steps", rule, self.optimizer.steps)
        rule = f"a divisor of the {rows} rows of a rollout"
        must(rows % self.run.accumulate == 0, "run.accumulate", rule, self.run.accumulate)

    @property
    def piece(self) -> int:
        """Transitions worked on at a time."""
        return self.rollout.rows // self.run.accumulate
