"""Rows to decode: prompts laid out on canvases of one length, with their blocks."""

import operator
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Array, Int, Key, PRNGKeyArray

from samplers import MASK, VOID

Ids = Sequence[int] | np.ndarray
Number = int | np.integer
PerRow = Number | Sequence[Number] | np.ndarray


class Rows(NamedTuple):
    """A batch of rows as the loop takes it. Rows are contiguous and padded with `VOID` behind."""

    keys: Key[Array, " batch"]
    """One key a row; all its randomness comes from it."""
    canvas: Int[Array, "batch length"]
    prompt: Int[Array, " batch"]
    """Prompt lengths."""
    blocks: Int[Array, "batch blocks 2"]
    """Bounds `[start, end)`; blocks that a row does not have are empty."""


class Layout(NamedTuple):
    """One row before it is put into a batch."""

    ids: Sequence[int]
    """Token ids, `MASK` where undecided."""
    prompt: int
    """How many positions stand before the first that may be written."""
    blocks: Sequence[tuple[int, int]]
    seed: int


def rows(
    prompts: Sequence[Ids] | np.ndarray,
    gen_length: PerRow,
    block_length: int | None = None,
    *,
    anchored: bool = False,
    seed: PerRow = 0,
    length: int | None = None,
) -> Rows:
    """Lays out prompts of token ids, each followed by `gen_length` undecided positions.

    `MASK` in a prompt is a hole too, which only rules that reach before the block fill.
    `block_length` cuts the answer into equal blocks (left out: one block). With `anchored` blocks
    are counted from the first position of the canvas, as models with block-causal attention need
    it: the first one may begin in the prompt, and the answer is made longer to fill the last.
    `gen_length` and `seed` may be given per row; one seed s means s + i for row i. `length` pads to
    a longer canvas.
    """
    if not len(prompts):
        raise ValueError("rows: prompts must hold at least one prompt, got none")
    listed = [token_ids(prompt) for prompt in prompts]
    answers = _per_row("gen_length", gen_length, len(listed))
    seeds = per_row_seeds(seed, len(listed))
    cut = anchored_blocks if anchored else blocks
    made = []
    for prompt, answer, own_seed in zip(listed, answers, seeds, strict=True):
        bounds = cut(len(prompt), answer, block_length)
        ids = [*prompt, *[MASK] * (bounds[-1][1] - len(prompt))]
        made.append(Layout(ids, len(prompt), bounds, own_seed))
    return stack(made, length)


def stack(layouts: Sequence[Layout], length: int | None = None, number: int = 1) -> Rows:
    """Rows of one canvas length and at least `number` blocks each."""
    return Rows(
        jax.vmap(_key)(np.asarray([layout.seed for layout in layouts], np.uint32)),
        jax.numpy.asarray(_canvas([layout.ids for layout in layouts], length)),
        jax.numpy.asarray([layout.prompt for layout in layouts], jax.numpy.int32),
        jax.numpy.asarray(_pad_blocks([layout.blocks for layout in layouts], number)),
    )


@jax.jit
def pick(rows: Rows, index: Int[Array, " picked"] | np.ndarray) -> Rows:
    """Some of the rows, in this order."""
    return jax.tree.map(lambda leaf: leaf[index], rows)


def blocks(
    prompt: int, gen_length: Number, block_length: int | None = None
) -> list[tuple[int, int]]:
    """The bounds of equal blocks behind a prompt of this length."""
    if gen_length < 1:
        raise ValueError(f"blocks: gen_length must be at least 1, got {gen_length}")
    block = gen_length if block_length is None else block_length
    if block < 1 or gen_length % block:
        raise ValueError(
            f"blocks: block_length must divide gen_length, got block_length {block} "
            f"and gen_length {gen_length}"
        )
    starts = range(prompt, prompt + gen_length, block)
    return [(start, start + block) for start in starts]


def anchored_blocks(
    prompt: int, gen_length: Number, block_length: int | None = None
) -> list[tuple[int, int]]:
    """The bounds of equal blocks, counted from position 0, that hold an answer behind a prompt.

    The first may begin in the prompt and the last end behind the answer.
    """
    if block_length is None or block_length < 1 or gen_length < 1:
        raise ValueError(
            "blocks: anchored blocks need gen_length and block_length of at least 1, got "
            f"gen_length {gen_length} and block_length {block_length}"
        )
    first = prompt // block_length * block_length
    starts = range(first, prompt + int(gen_length), block_length)
    return [(start, start + block_length) for start in starts]


def _key(seed: Any) -> PRNGKeyArray:
    # By name: token noise is made with this generator, whatever jax's default is.
    return jax.random.key(seed, impl="threefry2x32")


def _canvas(ids: Sequence[Sequence[int]], length: int | None) -> np.ndarray:
    longest = max(map(len, ids))
    if length is not None and length < longest:
        raise ValueError(
            f"rows: length must hold the longest row ({longest} positions), got {length}"
        )
    canvas = np.full((len(ids), length or longest), VOID, np.int32)
    for row, own in zip(canvas, ids, strict=True):
        if min(own) < MASK:
            raise ValueError(f"rows: token ids must be at least {MASK} (MASK), got {min(own)}")
        row[: len(own)] = own
    return canvas


def _pad_blocks(bounds: Sequence[Sequence[tuple[int, int]]], number: int) -> np.ndarray:
    padded = np.zeros((len(bounds), max(number, *map(len, bounds)), 2), np.int32)
    for row, own in zip(padded, bounds, strict=True):
        row[: len(own)] = own
        row[len(own) :] = own[-1][1]
    return padded


def per_row_seeds(seed: PerRow, batch: int) -> list[int]:
    """A seed a row; one s means s + i for row i."""
    seeds = _per_row("seed", seed, batch)
    seeds = [first + i for i, first in enumerate(seeds)] if isinstance(seed, Number) else seeds
    if not 0 <= min(seeds) <= max(seeds) < 2**32:
        raise ValueError(f"rows: seeds must be in [0, 2^32), got {seed}")
    return seeds


def token_ids(prompt: Any) -> list[int]:
    """A prompt as plain numbers; raises unless it is a sequence of token ids."""
    ids = np.asarray(prompt)
    if ids.ndim != 1 or (ids.size and not np.issubdtype(ids.dtype, np.integer)):
        raise TypeError(f"rows: a prompt must be a sequence of token ids, got {prompt!r}")
    return ids.tolist()


def _per_row(name: str, value: PerRow, batch: int) -> list[int]:
    listed: list[Any] = list(np.atleast_1d(np.asarray(value, dtype=object)))
    values = [operator.index(entry) for entry in listed]
    values = values * batch if isinstance(value, Number) else values
    if len(values) != batch:
        raise ValueError(f"rows: {name} needs one entry a prompt ({batch}), got {len(values)}")
    return values
