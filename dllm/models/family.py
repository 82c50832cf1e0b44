"""What a family of checkpoints is: functions of config.json, and what its authors recommend."""

from collections.abc import Callable
from typing import Any, NamedTuple

from dllm.models.config import Config, Specials
from dllm.models.table import Table


class Family(NamedTuple):
    """What differs between families."""

    name: str
    model_types: tuple[str, ...]
    """What `model_type` may say in a config.json of the family."""
    read_config: Callable[[dict[str, Any]], Config]
    read_specials: Callable[[dict[str, Any]], Specials]
    key_table: Callable[[Config], Table]
    turn_ends: tuple[str, ...]
    """Text of the tokens that may end a turn; the first that the tokenizer has is taken."""
    recommended: dict[str, Any]
    """Settings that the authors or the field use, as keyword arguments of `generate`; `options`
    are those of the scheduler."""
    template: str | None = None
    """A chat template, for instruction-tuned checkpoints that come without one."""
    schedule_ends: tuple[tuple[str, float], ...] = ()
    """Where Dream's schedule ends (`eps`) in ParallelBench's runs, by a part of the checkpoint's
    name; the first that fits counts."""

    def schedule_end(self, checkpoint: str) -> float | None:
        """The `eps` of Dream's schedule for a checkpoint of that name; `None`: it has none."""
        return next((end for part, end in self.schedule_ends if part in checkpoint), None)
