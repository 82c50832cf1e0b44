"""Budgets: how many positions a step writes."""

from typing import Any, Final

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from samplers.base import Canvas, Place, Scalar, View
from samplers.pytree import part, require
from samplers.ranking import count, holes
from samplers.values import Whole, whole

_SHORTEST_TABLE: Final = 1024


@part
class Tokens:
    """The same number of positions every step."""

    tokens: Whole = 1

    def __post_init__(self) -> None:
        require("Tokens", "tokens", self.tokens, 1)

    def __call__(self, view: View) -> Scalar:
        del view
        return jnp.asarray(self.tokens, jnp.int32)


@part
class Even:
    """LLaDA's schedule: the block's holes shared out evenly over its steps, the rest up front.

    `steps` counts over the whole row; its blocks share them out, equally where they divide. With n
    holes and S steps, step i writes floor(n/S) + [i < n mod S] (Nie et al. 2025, LLaDA).
    """

    steps: Whole = 128

    def __post_init__(self) -> None:
        require("Even", "steps", self.steps, 1)

    def init(self, canvas: Canvas) -> Scalar:
        """The holes counted when a block was entered."""
        del canvas
        return jnp.int32(0)

    def __call__(self, memory: Scalar, view: View) -> tuple[Scalar, Scalar]:
        step = view.place.step
        at_entry = jnp.where(step == 0, count(holes(view.canvas, view.place)), memory)
        base, extra = jnp.divmod(at_entry, self.plan(view.place))
        share = base + (step < extra).astype(jnp.int32)
        return jnp.where(step < self.plan(view.place), share, 0), at_entry

    def plan(self, place: Place) -> Scalar:
        """The steps of one block: its share of them all, so that none are lost, at least 1."""
        steps = jnp.asarray(self.steps, jnp.int32)
        share = (place.block + 1) * steps // place.blocks - place.block * steps // place.blocks
        return jnp.maximum(share, 1)


@part
class Dream:
    """Dream's schedule: a share of the holes left at each step, cut down to a whole number.

    With t = linspace(1, eps, S + 1), step i writes trunc(holes * (1 - t[i+1] / t[i])), the last
    step all the rest. The products sit on whole numbers, so the published float32 arithmetic is
    part of the rule: with eps = 1e-3 and S = holes the first step writes nothing, the last two.
    Build one with `Dream.of`. The table is a leaf of 1024 entries, so that a sweep over up to 1024
    steps compiles once; longer tables are padded to a power of two, one program each.
    """

    steps: Whole
    """Steps of one block."""
    shares: ArrayLike
    """`[table]` float32, 1 from the last step on."""

    @classmethod
    def of(cls, steps: int, eps: float = 1e-3, blocks: int = 1) -> "Dream":
        """The schedule that spends `steps` on `blocks` blocks, `steps / blocks` on each.

        It is not told how many blocks a row has: the published sampler decodes one block. In a row
        of more, give their number, or every block spends all the steps.
        """
        own = steps_of_block("Dream", steps, blocks)
        require("Dream", "eps", eps, 0.0, 1.0)
        return cls(own, dream_shares(own, eps))

    def __call__(self, view: View) -> Scalar:
        return jnp.trunc(self._holes(view) * self.share(view)).astype(jnp.int32)

    def share(self, view: View) -> Float[Array, ""]:
        """The share of the holes that this step writes."""
        return jnp.asarray(self.shares, jnp.float32)[view.place.step]

    def plan(self, place: Place) -> Scalar:
        """The steps of one block."""
        del place
        return jnp.asarray(self.steps, jnp.int32)

    def _holes(self, view: View) -> Float[Array, ""]:
        return count(view.eligible).astype(jnp.float32)


def steps_of_block(owner: str, steps: Any, blocks: Any) -> int:
    """What each of so many blocks spends of a schedule's steps.

    Raises:
        ValueError: it would be none, or no whole number.
    """
    require(owner, "blocks", blocks, 1)
    require(owner, "steps", steps, blocks)
    steps, blocks = whole(owner, "steps", steps), whole(owner, "blocks", blocks)
    if steps % blocks:
        raise ValueError(f"{owner}: blocks must divide steps, got {steps} steps, {blocks} blocks")
    return steps // blocks


def table_length(steps: int) -> int:
    """How long the table of a schedule is: few lengths, because each is a program of its own."""
    return max(_SHORTEST_TABLE, 1 << (steps - 1).bit_length())


def dream_shares(steps: int, eps: float) -> np.ndarray:
    """`1 - t[i+1] / t[i]` in float32, as torch computes it, padded with 1 to a power of two."""
    grid = np.linspace(1.0, eps, steps + 1).astype(np.float32)
    shares = np.ones(table_length(steps), np.float32)
    shares[: steps - 1] = 1 - grid[1:-1] / grid[:-2]
    return shares
