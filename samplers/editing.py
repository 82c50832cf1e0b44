"""Token editing: what is written may be written over while its block is open (LLaDA2.1)."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, PRNGKeyArray

from samplers.base import Canvas, Move, Place, Prediction, Scalar
from samplers.pytree import require, scheduler
from samplers.ranking import count, eligible, exceeds, filled, in_block, rank, write
from samplers.values import Real, Whole


class Edited(NamedTuple):
    """What is remembered of a row."""

    given: Bool[Array, " length"]
    """On the canvas from the start: never edited."""
    after: Scalar
    """Steps of this block that began with nothing to write."""


@scheduler
class Editing:
    """Writes every token surer than `threshold`, and other tokens over those written before.

    A step writes at least the `tokens` surest. At a position of the block that was decided before
    the step, another token is written over the one that stands if its probability exceeds
    `editing_threshold`. A filled block is left once a step edits nothing, at the latest after
    `max_post_steps` steps. As LLaDA2.1 decodes; its defaults here are the model card's for quality,
    for speed it has a threshold of 0.5 and an editing threshold of 0.
    """

    spends = True
    threshold: Real = 0.7
    editing_threshold: Real = 0.5
    max_post_steps: Whole = 16
    tokens: Whole = 1

    def __post_init__(self) -> None:
        require("Editing", "threshold", self.threshold, 0.0, 1.0)
        require("Editing", "editing_threshold", self.editing_threshold, 0.0, 1.0)
        require("Editing", "max_post_steps", self.max_post_steps, 0)
        require("Editing", "tokens", self.tokens, 1)

    def init(self, canvas: Canvas) -> Edited:
        return Edited(canvas >= 0, jnp.int32(0))

    def update(
        self, key: PRNGKeyArray, state: Edited, canvas: Canvas, prediction: Prediction, place: Place
    ) -> Move:
        del key
        open_ = eligible(canvas, prediction, place)
        most = jnp.asarray(self.max_post_steps, jnp.int32)
        idle = ~jnp.any(open_)
        after = jnp.where(place.step == 0, 0, state.after) + idle.astype(jnp.int32)
        edited = self._edits(state, canvas, prediction, place) & (after <= most)
        made = write(canvas, prediction.tokens, self._writes(open_, prediction) | edited)
        settled = (idle & ~jnp.any(edited)) | (after >= most)
        return Move(made, Edited(state.given, after), filled(made, place) & settled)

    def _writes(
        self, open_: Bool[Array, " length"], prediction: Prediction
    ) -> Bool[Array, " length"]:
        sure = open_ & exceeds(prediction.log_confidence, self.threshold)
        tokens = jnp.asarray(self.tokens, jnp.int32)
        few = open_ & (rank(prediction.log_confidence, open_) < tokens)
        return jnp.where(count(sure) >= tokens, sure, few)

    def _edits(
        self, state: Edited, canvas: Canvas, prediction: Prediction, place: Place
    ) -> Bool[Array, " length"]:
        mine = (canvas >= 0) & ~state.given & in_block(canvas, place)
        may = mine & prediction.seen & prediction.allowed
        other = prediction.tokens != canvas
        return may & other & exceeds(prediction.log_confidence, self.editing_threshold)
