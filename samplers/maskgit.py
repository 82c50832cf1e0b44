"""MaskGIT's schedule: a falling share of a block's positions stays undecided.

The published code takes floor(n * share) of a float64 product, whose rounding is part of the
schedule: 24 positions in 24 steps come out as 1, 1, ..., 2, 0, ... So the product is made exactly.
"""

from collections.abc import Callable
from typing import Final

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Int

from samplers.base import Canvas, Place, Scalar, View
from samplers.budgets import steps_of_block, table_length
from samplers.pytree import part, static
from samplers.ranking import count, holes
from samplers.values import Whole

_DIGIT: Final = 18
"""Bits of a digit of a share, so that a digit times a position count fits in 32 bits."""

MODES: Final[dict[str, Callable[[np.ndarray], np.ndarray]]] = {
    "linear": lambda done: 1 - done,
    "cosine": lambda done: np.cos(np.pi / 2 * done),
    "pow2": lambda done: 1 - done**2,
}
"""The share left undecided, by the share of steps done."""


@part
class MaskGit:
    """Writes in each step what the falling share lets go: n positions become floor(n * share).

    Chang et al. 2022, https://arxiv.org/abs/2202.04200. Build one with `MaskGit.of`. Every block
    spends its part of the steps. The table is a leaf of 1024 steps; longer ones are padded to a
    power of two, one program each.
    """

    steps: Whole
    """Steps of one block."""
    shares: ArrayLike
    """`[table, 3]`: after each step the share still undecided, as digits; 0 from the last step."""

    @classmethod
    def of(cls, steps: int, mode: str = "linear", blocks: int = 1) -> "MaskGit":
        """The schedule that spends `steps` on `blocks` blocks, `steps / blocks` on each."""
        own = steps_of_block("MaskGit", steps, blocks)
        if mode not in MODES:
            raise ValueError(f"MaskGit: mode must be one of {', '.join(MODES)}, got {mode!r}")
        return cls(own, share_table(own, mode))

    def init(self, canvas: Canvas) -> Scalar:
        """The holes counted when a block was entered."""
        del canvas
        return jnp.int32(0)

    def __call__(self, memory: Scalar, view: View) -> tuple[Scalar, Scalar]:
        at_entry = entered(memory, view)
        step = view.place.step
        return self.left(at_entry, step - 1) - self.left(at_entry, step), at_entry

    def left(self, at_entry: Scalar, step: Scalar) -> Scalar:
        """How many of a block's holes are undecided after this step; all of them before step 0."""
        table = jnp.asarray(self.shares, jnp.int32)
        share = table[jnp.clip(step, 0, table.shape[0] - 1)]
        return jnp.where(step < 0, at_entry, floor_product(at_entry, share))

    def plan(self, place: Place) -> Scalar:
        """The steps of one block."""
        del place
        return jnp.asarray(self.steps, jnp.int32)


@part
class Remaining:
    """Writes in each step all that a schedule has not let go yet: for rules that then take back.

    Where these take back tokens of earlier blocks, a filled block is no reason to leave: `spends`.
    """

    schedule: MaskGit
    spends: bool = static(default=False)

    def init(self, canvas: Canvas) -> Scalar:
        return self.schedule.init(canvas)

    def __call__(self, memory: Scalar, view: View) -> tuple[Scalar, Scalar]:
        at_entry = entered(memory, view)
        return self.schedule.left(at_entry, view.place.step - 1), at_entry

    def plan(self, place: Place) -> Scalar:
        return self.schedule.plan(place)


def entered(memory: Scalar, view: View) -> Scalar:
    """The holes that the block had when it was entered."""
    now = count(holes(view.canvas, view.place))
    return jnp.where(view.place.step == 0, now, memory)


def share_table(steps: int, mode: str) -> np.ndarray:
    """The shares after steps 1, 2, ... as three digits of 18 bits, in units of 2^-53."""
    done = (np.arange(steps) + 1) / steps
    shares = np.clip(MODES[mode](done), 1e-6, 1.0)
    units = [round(float(share) * 2**53) for share in shares[:-1]]
    digits = [[unit >> 2 * _DIGIT, unit >> _DIGIT, unit] for unit in units]
    table = np.zeros((table_length(steps), 3), np.int64)
    table[: steps - 1] = np.reshape(digits, (-1, 3))
    table[:, 1:] %= 1 << _DIGIT
    return table.astype(np.int32)


def floor_product(number: Scalar, share: Int[Array, " 3"]) -> Scalar:
    """floor(number * share) as float64 gives it, for numbers up to 8191.

    The product in units of 2^-53 is an integer of at most 66 bits; float64 keeps the upper 53. It
    rounds up to the next whole number if what is missing is at most half a unit of its last bit,
    which is 2^floor(log2(product)) units.
    """
    low = number * share[2]
    middle = number * share[1] + (low >> _DIGIT)
    high = number * share[0] + (middle >> _DIGIT)
    top = 53 - 2 * _DIGIT
    below = high >> top
    missing = (1 << _DIGIT) - (low & ((1 << _DIGIT) - 1))  # of the next whole number, if all else
    ones = (high & ((1 << top) - 1)) == (1 << top) - 1
    ones &= (middle & ((1 << _DIGIT) - 1)) == (1 << _DIGIT) - 1
    rounds_up = ones & (missing <= _largest_power(below))
    return below + rounds_up.astype(jnp.int32)


def _largest_power(number: Scalar) -> Scalar:
    """The largest power of two that is at most a number; 0 of 0."""
    power = number
    for shift in (1, 2, 4, 8):
        power = power | (power >> shift)
    return power - (power >> 1)
