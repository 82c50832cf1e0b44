"""Remasking: what was written with the least confidence is undecided again."""

from typing import Final

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from samplers.base import Canvas, Scalar, View
from samplers.ranking import rank

_NEVER: Final = 1.0
"""In place of a log confidence: the rule did not write this position."""

LogConfidences = Float[Array, " length"]
"""The log confidence that each position was last written with."""


def never_written(canvas: Canvas) -> LogConfidences:
    """Before the rule has written anything."""
    return jnp.full(canvas.shape, _NEVER, jnp.float32)


def written_with(before: LogConfidences, view: View, canvas: Canvas) -> LogConfidences:
    """The same after a step, which made this canvas of the view's."""
    written = (canvas >= 0) & (view.canvas != canvas)
    return jnp.where(written, view.prediction.log_confidence, before)


def least_sure(
    known: LogConfidences, within: Bool[Array, " length"], canvas: Canvas, number: Scalar
) -> Bool[Array, " length"]:
    """So many of the rule's tokens within these positions, those of least confidence."""
    own = within & (canvas >= 0) & (known <= 0)
    return own & (rank(-known, own) < number)
