"""Overrides: a last word on the canvas that a rule made."""

import jax.numpy as jnp

from samplers.base import VOID, Canvas, View
from samplers.pytree import part, require, static
from samplers.ranking import filled, first, in_block, index
from samplers.values import Whole

_SCOPES = ("answer", "canvas")


@part
class EarlyStop:
    """Once an end-of-text token stands in the answer, everything after it is end-of-text.

    Later blocks then hold no undecided position and are skipped, so the row ends with the block the
    token is in (dInfer `early_stop`). The published code also takes an end-of-text token of the
    prompt for the answer's: `scope="canvas"`; and over a cache it does not look after the full
    forward that opens a block: `after=1` leaves so many steps of each block out.
    """

    eos: Whole
    scope: str = static(default="answer")
    after: Whole = 0

    def __post_init__(self) -> None:
        require("EarlyStop", "eos", self.eos, 0)
        require("EarlyStop", "after", self.after, 0)
        if self.scope not in _SCOPES:
            raise ValueError(f"EarlyStop: scope must be one of {_SCOPES}, got {self.scope!r}")

    def __call__(self, view: View, canvas: Canvas) -> Canvas:
        eos = jnp.asarray(self.eos, canvas.dtype)
        at = index(canvas)
        begin = view.place.prompt if self.scope == "answer" else 0
        behind = (
            (at > first((canvas == eos) & (at >= begin)))
            & (canvas != VOID)
            & (view.place.step >= jnp.asarray(self.after))
        )
        return jnp.where(behind, eos, canvas)


@part
class EarlyExit:
    """Once a block holds nothing but `eos`, or nothing but `pad`, so does everything behind it.

    FreeDave's `early_exit`.
    """

    eos: Whole
    pad: Whole

    def __post_init__(self) -> None:
        require("EarlyExit", "eos", self.eos, 0)
        require("EarlyExit", "pad", self.pad, 0)

    def __call__(self, view: View, canvas: Canvas) -> Canvas:
        inside = in_block(canvas, view.place)
        behind = (index(canvas) >= view.place.end) & (canvas != VOID)
        for token in (self.eos, self.pad):
            token = jnp.asarray(token, canvas.dtype)
            all_of_it = jnp.all((canvas == token) | ~inside)
            canvas = jnp.where(all_of_it & behind, token, canvas)
        return canvas


@part
class BlockStop:
    """Once a filled block holds an end-of-text token, everything behind the block is end-of-text.

    What stands in the block stays as it is (LocalLeap's and dInfer's block-wise `early_stop`).
    """

    eos: Whole

    def __post_init__(self) -> None:
        require("BlockStop", "eos", self.eos, 0)

    def __call__(self, view: View, canvas: Canvas) -> Canvas:
        eos = jnp.asarray(self.eos, canvas.dtype)
        ended = jnp.any((canvas == eos) & in_block(canvas, view.place)) & filled(canvas, view.place)
        behind = (index(canvas) >= view.place.end) & (canvas != VOID)
        return jnp.where(ended & behind, eos, canvas)
