"""A decode as a page that plays it: what was written when, how surely, and what was taken back."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

import dllm
from benchmarks.runner.batches import Plan
from benchmarks.runner.numerics import proposal_of
from benchmarks.runner.schedules import scheduler_of
from benchmarks.runner.settings import cut
from benchmarks.runner.subject import Subject
from dllm.jobs import batch_rows, bucket
from samplers import MASK

_PAGE = Path(__file__).parent / "trace.html"
_DATA = "/* data */"
_FRAMES = 8
"""Canvases that the model is asked about at a time."""


class Trace(NamedTuple):
    """A decode, canvas by canvas."""

    canvases: Int[np.ndarray, "frames positions"]
    """The answer before each step, and at last."""
    guesses: Int[np.ndarray, "frames positions"]
    """The likeliest tokens."""
    guessed: Float[np.ndarray, "frames positions"]
    """Their probabilities."""
    written: Float[np.ndarray, "frames positions"]
    """Probability that a frame gave to the token of the next one; 0 where that has none."""


def trace(plan: Plan) -> Trace:
    """Decodes the first example of a plan by its first setting, as a run of the plan would.

    The model is asked once more about every canvas on the way. Probabilities are those of the model
    at temperature 1, whatever the decode's.
    """
    subject, setting, layout = plan.subject, plan.settings[0], plan.layouts[0]
    positions = len(layout.ids) - layout.prompt
    ended = dllm.decode(
        subject.denoiser,
        batch_rows([cut(layout, setting.block)], bucket(len(layout.ids), subject.max_length)),
        scheduler_of(plan.protocol, setting, positions),
        proposal_of(plan.protocol, setting, subject.never),
        cache=setting.cache,
        ends=plan.ends,
        record=2 * positions,
    )
    steps = min(int(ended.steps[0]), 2 * positions)
    frames = np.concatenate([np.asarray(ended.trajectory[0][:steps]), np.asarray(ended.canvas)])
    return _seen(subject, frames, layout.prompt, positions)


def page(plan: Plan, shown: Trace) -> str:
    """The page: one file without anything from elsewhere."""
    subject, setting, (number, example) = plan.subject, plan.settings[0], plan.questions[0]
    tokens = sorted({int(t) for t in np.unique(shown.canvases)} | set(np.unique(shown.guesses)))
    data = {
        "title": f"{example.task} {number}, {setting.name}, {subject.name}",
        "prompt": example.prompt,
        "mask": MASK,
        "words": {int(t): subject.spell(example, int(t)) for t in tokens if t >= 0},
        "canvases": shown.canvases.tolist(),
        "guesses": shown.guesses.tolist(),
        "guessed": _rounded(shown.guessed),
        "written": _rounded(shown.written),
    }
    text = json.dumps(data, ensure_ascii=False).replace("<", "\\u003c")
    return _PAGE.read_text("utf-8").replace(_DATA, text)


def _seen(subject: Subject, frames: np.ndarray, prompt: int, positions: int) -> Trace:
    canvases = frames[:, prompt : prompt + positions]
    following = np.concatenate([canvases[1:], np.full_like(canvases[:1], MASK)])
    pieces = [
        _ask(subject, jnp.asarray(frames[at]), jnp.asarray(following[at]), prompt)
        for at in (slice(i, i + _FRAMES) for i in range(0, len(frames), _FRAMES))
    ]
    guesses, guessed, written = (
        np.concatenate([np.asarray(leaf) for leaf in leaves])
        for leaves in zip(*pieces, strict=True)
    )
    return Trace(canvases, guesses, guessed, written)


def _ask(
    subject: Subject,
    frames: Int[Array, "frames length"],
    following: Int[Array, "frames positions"],
    prompt: int,
) -> tuple[Array, Array, Array]:
    """The likeliest tokens, their probabilities and those of what came to stand there."""
    starts = jnp.full(frames.shape[0], prompt, jnp.int32)
    model: Any = subject.denoiser
    logits = model.logits(frames, starts, following.shape[1]).astype(jnp.float32)
    logits = logits.at[..., jnp.asarray(subject.never, jnp.int32)].set(-jnp.inf)
    probabilities = jax.nn.softmax(logits, axis=-1)
    at = jnp.maximum(following, 0)[..., None]
    written = jnp.take_along_axis(probabilities, at, axis=-1)[..., 0]
    there = jnp.where(following >= 0, written, 0.0)
    return jnp.argmax(logits, axis=-1), jnp.max(probabilities, axis=-1), there


def _rounded(values: np.ndarray) -> Any:
    return np.round(values.astype(float), 4).tolist()
