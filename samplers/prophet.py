"""Prophet: stop as soon as the answer is known.

Li et al. 2025, "Diffusion Language Models Know the Answer Before Decoding",
https://arxiv.org/abs/2508.19982. The answer stands at known positions: in the published protocol
words such as "The answer is" are on the canvas before it from the start (the canvas of a row may
hold any tokens in its answer: `dllm.infill` with a text between two holes). The test is a stop,
which may also end rows by itself; the commit is an override that takes any stop.
"""

from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Bool

from samplers.base import MASK, VOID, Canvas, Stop, View
from samplers.parts import as_part, ask, needs, start
from samplers.pytree import part, require
from samplers.ranking import index, write
from samplers.values import Real, Whole

_MID, _LATE = 33, 67
"""Where the phases begin, in hundredths of the steps."""


@part
class AnswerKnown:
    """The mean gap between the two largest logits of the answer has reached the phase's threshold.

    The answer is the `answer_length` positions from `answer_start` on, counted from the prompt's
    end, decided or not, as far as the row has them. With the token ids of a `suffix`, they are
    counted from the end of the first place behind the prompt where these tokens stand; nothing is
    known while they stand nowhere. Of `max_steps` steps the first 33 hundredths are the early phase
    and those from 67 hundredths on the late one; the step in hand counts.
    """

    needs = frozenset({"canvas"})
    answer_start: Whole
    answer_length: Whole = 5
    max_steps: Whole = 256
    early: Real = 7.5
    mid: Real = 5.0
    late: Real = 2.5
    suffix: tuple[Whole, ...] | None = None

    def __post_init__(self) -> None:
        if self.suffix is not None and not self.suffix:
            raise ValueError("AnswerKnown: suffix must hold at least one token id, got none")
        for token in self.suffix or ():
            require("AnswerKnown", "suffix", token, 0)
        for name, least in (("answer_start", 0), ("answer_length", 1), ("max_steps", 1)):
            require("AnswerKnown", name, getattr(self, name), least)
        for name in ("early", "mid", "late"):
            require("AnswerKnown", name, getattr(self, name), 0.0)

    def __call__(self, view: View, canvas: Canvas) -> Bool[Array, ""]:
        del canvas
        answer = self._answer(view)
        gap = jnp.mean(view.prediction.gap, where=answer)
        seen = jnp.any(answer) & ~jnp.any(answer & ~view.prediction.seen)
        return seen & (gap >= self._threshold(view))

    def _answer(self, view: View) -> Bool[Array, " length"]:
        at = index(view.canvas) - self._origin(view) - jnp.asarray(self.answer_start, jnp.int32)
        within = (at >= 0) & (at < jnp.asarray(self.answer_length, jnp.int32))
        return within & (view.canvas != VOID)

    def _origin(self, view: View) -> Array:
        """What the answer's positions are counted from; behind the row if it is not there."""
        if self.suffix is None:
            return view.place.prompt
        at, length = index(view.canvas), view.canvas.shape[0]
        stands = at >= view.place.prompt
        for offset, token in enumerate(self.suffix):
            ahead = view.canvas.at[at + offset].get(mode="fill", fill_value=VOID)
            stands = stands & (ahead == jnp.asarray(token, jnp.int32))
        return jnp.min(jnp.where(stands, at + len(self.suffix), length))

    def _threshold(self, view: View) -> Array:
        hundredths = 100 * (view.place.total + 1)
        steps = jnp.asarray(self.max_steps, jnp.int32)
        early, mid, late = (
            jnp.asarray(bound, jnp.float32) for bound in (self.early, self.mid, self.late)
        )
        later = jnp.where(hundredths < _LATE * steps, mid, late)
        return jnp.where(hundredths < _MID * steps, early, later)


@part
class CommitWhen:
    """Writes every undecided position of the row once a stop says so, in later blocks too.

    Tokens that the rule took back in this very step keep their place.
    """

    when: Stop

    def __post_init__(self) -> None:
        object.__setattr__(self, "when", as_part("CommitWhen: when", self.when))

    @property
    def needs(self) -> frozenset[str]:
        """Predictions of the whole canvas, and what the stop needs."""
        return needs(self.when) | {"canvas"}

    def init(self, canvas: Canvas) -> Any:
        return start(self.when, canvas)

    def __call__(self, memory: Any, view: View, canvas: Canvas) -> tuple[Canvas, Any]:
        now, memory = ask(self.when, memory, view, canvas)
        kept = jnp.where((canvas == MASK) & (view.canvas >= 0), view.canvas, canvas)
        writable = (kept == MASK) & view.prediction.seen & view.prediction.allowed
        full = write(kept, view.prediction.tokens, writable)
        return jnp.where(now, full, canvas), memory
