"""What an answer is worth: plain Python functions of its text."""

import math
import numbers
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from dllm.train.data import Prompt


class Question(NamedTuple):
    """What is asked, and what a reward has to know to judge an answer."""

    prompt: Prompt
    label: Any = None


Questions = Callable[[np.random.Generator], Question]
"""Draws one question. All its chance must come from the generator: resuming replays it."""

Reward = Callable[[str, Any], float]
"""What a text is worth, given the question's label."""


class RewardError(ValueError):
    """A reward raised, or gave something that is no number; it and the example are named."""


class Judged(NamedTuple):
    """What some answers are worth."""

    totals: Float[np.ndarray, " rows"]
    """The sum of all rewards."""
    means: dict[str, float]
    """Each reward's, by name."""


def judge(rewards: Sequence[Reward], questions: Sequence[Question], texts: Sequence[str]) -> Judged:
    """What answers to questions are worth.

    Raises:
        RewardError: a reward raised, or its answer is no finite number.
    """
    values = np.array(
        [
            [_ask(reward, question, text) for reward in rewards]
            for question, text in zip(questions, texts, strict=True)
        ],
        np.float32,
    )
    means = zip(map(name_of, rewards), values.mean(axis=0).tolist(), strict=True)
    return Judged(values.sum(axis=1), dict(means))


def name_of(reward: Reward) -> str:
    """How a reward is called in metrics and messages."""
    return getattr(reward, "__name__", type(reward).__name__)


def refuse_bad_rewards(rewards: Sequence[Any]) -> None:
    """Raises unless there are rewards, functions with a name each.

    Raises:
        ValueError: there is none, or two have the same name.
        TypeError: one cannot be called.
    """
    if not rewards:
        raise ValueError("rewards: must hold at least one function, got none")
    for reward in rewards:
        if not callable(reward):
            raise TypeError(f"rewards: must be functions (text, label) -> number, got {reward!r}")
    names = list(map(name_of, rewards))
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"rewards: must have names of their own, got {name} twice")


def _ask(reward: Reward, question: Question, text: str) -> float:
    where = f"for the answer {text!r} to {question.prompt!r}"
    try:
        value: Any = reward(text, question.label)
    except Exception as error:
        raise RewardError(
            f"reward {name_of(reward)}: raised {type(error).__name__}: {error}, {where}"
        ) from error
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value.item()
    if not isinstance(value, numbers.Real) or not math.isfinite(value):
        raise RewardError(
            f"reward {name_of(reward)}: must return a finite number, got {value!r}, {where}"
        )
    return float(value)
