"""Answers drawn by the product's own loop, and the transitions that wrote them."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Int

from dllm.canvas import Layout
from dllm.jobs import batch_rows
from dllm.load import Model
from dllm.pool import decode_many
from dllm.prompts import encode
from dllm.requests import answer_layouts, make_proposal
from dllm.results import generations
from dllm.rl.rewards import Question, Questions
from dllm.rl.settings import RolloutSettings
from dllm.train.batches import TRIES
from samplers import Scheduler

_PROMPTS, _NOISE = 1, 2
"""What chance is for, in the seeds of a rollout."""


class Rollout(NamedTuple):
    """Answers, group by group, and every canvas on the way to them."""

    questions: list[Question]
    """One a row; those of a group are the same."""
    texts: list[str]
    canvases: Int[np.ndarray, "rows states length"]
    """Before each transition and at last; behind a row's last one it stands still."""
    start: Int[np.ndarray, " rows"]
    """Where each answer begins."""
    steps: Int[np.ndarray, " rows"]
    """Transitions of each row."""
    chosen: Bool[np.ndarray, "rows length"]
    """Whether the model proposed what stands there at last: the rest is the rule's own."""
    forwards: Int[np.ndarray, " rows"]
    """Model calls of each answer."""


class Transitions(NamedTuple):
    """What the policy is asked about; a leaf a transition of every row."""

    canvas: Int[np.ndarray, "rows steps length"]
    targets: Int[np.ndarray, "rows steps window"]
    """The canvas after it, from the row's start on."""
    written: Bool[np.ndarray, "rows steps window"]
    """Which of them were written by it, as the model proposed."""


def roll(
    model: Model,
    scheduler: Scheduler,
    questions: Sequence[Question],
    settings: RolloutSettings,
    seeds: Sequence[int],
) -> Rollout:
    """Answers each question `settings.group` times, every row by its own seed."""
    asked = [question for question in questions for _ in range(settings.group)]
    layouts = lay_out(model, asked, settings, seeds)
    proposal = make_proposal(model, settings.temperature, None, None, None, ())
    most = 2 * window_of(model, settings)
    decoded = decode_many(
        model.network,
        batch_rows(layouts, settings.positions),
        scheduler,
        proposal,
        batch=settings.batch or len(layouts),
        ends=model.specials.ends,
        max_steps=most,
        record=most,
    ).decoded
    answers = generations(model, layouts, decoded, model.specials.ends)
    steps = np.asarray(decoded.steps)
    return Rollout(
        asked,
        [answer.text for answer in answers],
        _canvases(np.asarray(decoded.trajectory), np.asarray(decoded.canvas), steps),
        np.array([layout.prompt for layout in layouts], np.int32),
        steps,
        ~np.isnan(np.asarray(decoded.log_probs)),
        np.asarray(decoded.forwards),
    )


def lay_out(
    model: Model, questions: Sequence[Question], settings: RolloutSettings, seeds: Sequence[int]
) -> list[Layout]:
    """Prompts and the positions of their answers."""
    block = settings.block_length
    if block is None and model.config.causal_block is None:
        block = settings.answer
    prompts = [question.prompt for question in questions]
    made = answer_layouts(model, prompts, settings.answer, block, list(seeds), None)
    if not settings.blocks:
        return made
    return [layout._replace(blocks=settings.bounds(layout.prompt)) for layout in made]


def window_of(model: Model, settings: RolloutSettings) -> int:
    """Positions from the start of an answer to the end of its last block, at the most."""
    own = model.config.causal_block
    return settings.answer if own is None else settings.answer + (settings.block_length or own) - 1


def draw(
    model: Model, source: Questions, settings: RolloutSettings, seed: int, number: int
) -> list[Question]:
    """The questions of a rollout; those too long for its canvas are drawn again.

    Raises:
        ValueError: none of many fits.
    """
    room = settings.positions - window_of(model, settings)

    def one(slot: int) -> Question:
        random = np.random.default_rng([seed, number, _PROMPTS, slot])
        for _ in range(TRIES):
            question = source(random)
            if len(encode(model, question.prompt)) <= room:
                return question
        raise ValueError(
            f"rollout.positions: one of {TRIES} prompts drawn must fit {settings.positions} "
            f"positions with an answer of {settings.answer}, got none"
        )

    return [one(slot) for slot in range(settings.prompts)]


def seeds_of(settings: RolloutSettings, seed: int, number: int) -> list[int]:
    """A seed a row of a rollout."""
    random = np.random.default_rng([seed, number, _NOISE])
    return random.integers(2**32, size=settings.rows).tolist()


def transitions(rollout: Rollout, window: int) -> Transitions:
    """A rollout's canvases as transitions; what a rule wrote by itself is nobody's choice."""
    length = rollout.canvases.shape[2]
    at = rollout.start[:, None] + np.arange(window)
    inside = at < length
    at = np.minimum(at, length - 1)
    windows = np.take_along_axis(rollout.canvases, at[:, None], axis=2)
    before, after = windows[:, :-1], windows[:, 1:]
    chosen = np.take_along_axis(rollout.chosen, at, axis=1) & inside
    return Transitions(
        rollout.canvases[:, :-1], after, (after >= 0) & (after != before) & chosen[:, None]
    )


def _canvases(
    before: Int[np.ndarray, "rows record length"],
    last: Int[np.ndarray, "rows length"],
    steps: Int[np.ndarray, " rows"],
) -> Int[np.ndarray, "rows states length"]:
    """The states of each row, as many as the longest has."""
    most = int(steps.max())
    states = np.concatenate([before[:, :most], last[:, None]], axis=1)
    over = np.arange(most + 1) >= steps[:, None]
    return np.where(over[..., None], last[:, None], states)
