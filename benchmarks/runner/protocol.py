"""How answers are made and read: what the official suite fixes, and what is told of every run."""

from collections.abc import Sequence
from typing import NamedTuple

from benchmarks.leaderboard.methods import method_of
from benchmarks.runner.settings import Setting

OFFICIAL = "official"
FLOAT32, SITE = NUMERICS = ("float32", "site")
"""Confidences as exact as can be, or rounded where those of the leaderboard's runs were."""

OWN_FACTOR = "factor"
"""By the paper's bound; the official suite has the rule that published code has instead."""


class Protocol(NamedTuple):
    """What must be equal for answers to be comparable, beyond the rule and its options."""

    temperature: float
    numerics: str
    early_stop: bool
    """Whether a row may end with a block that holds its end of text."""
    conversation: str = "chat template, shown examples as turns, the question as the last"
    block: str = "the whole answer, unless a setting has a block_length"
    cut: str = "at the task's `until`, before grading"
    mask_logit: str = "-inf"
    schedule_end: float | None = None
    """`eps` of Dream's schedule, by which a fixed number of tokens a step is then written."""


def protocol_of(
    suite: str,
    settings: Sequence[Setting],
    temperature: float,
    numerics: str,
    schedule_end: float | None = None,
) -> Protocol:
    """The protocol of a run.

    `schedule_end` is the model's: the official suite decodes it by Dream's schedule.

    Raises:
        ValueError: unknown numerics, or something that the official suite fixes otherwise.
    """
    if numerics not in NUMERICS:
        raise ValueError(f"--numerics: must be one of {', '.join(NUMERICS)}, got {numerics!r}")
    if suite != OFFICIAL:
        return Protocol(temperature, numerics, early_stop=True)
    if temperature != 0:
        raise ValueError(f"suite: {suite} is decoded at temperature 0, got {temperature}")
    for setting in settings:
        if OWN_FACTOR in setting.rule.split("+"):
            raise ValueError(
                f"suite: {suite} has the published factor rule, {OWN_FACTOR}_published, got "
                f"{setting.name!r}"
            )
        if setting.cache != "none":
            raise ValueError(f"suite: {suite} is decoded without a cache, got {setting.name!r}")
        if setting.block is not None and method_of(setting.rule, setting.options) is None:
            raise ValueError(
                f"suite: {suite} decodes an answer as one block, got {setting.name!r}; only "
                "methods whose block_length is swept have another"
            )
    return Protocol(temperature, numerics, early_stop=False, schedule_end=schedule_end)
