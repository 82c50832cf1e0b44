"""Rows to decode: prompts laid out on canvases of one length, with their blocks."""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Array, Int, Key

from samplers import MASK, VOID


class Rows(NamedTuple):
    """A batch of rows as the loop takes it. Rows are contiguous and padded with `VOID` behind."""

    keys: Key[Array, " batch"]
    """One key a row; all its randomness comes from it."""
    canvas: Int[Array, "batch length"]
    prompt: Int[Array, " batch"]
    """Prompt lengths."""
    blocks: Int[Array, "batch blocks 2"]
    """Bounds `[start, end)`; blocks that a row does not have are empty."""


def rows(
    prompts: Sequence[Sequence[int]],
    gen_length: int | Sequence[int],
    block_length: int | None = None,
    *,
    seed: int | Sequence[int] = 0,
    length: int | None = None,
) -> Rows:
    """Lays out prompts, each followed by `gen_length` undecided positions.

    `block_length` cuts the answer into equal blocks (left out: one block). `gen_length` and `seed`
    may be given per row; one seed s means s + i for row i. `length` pads to a longer canvas.
    """
    if not prompts:
        raise ValueError("rows: prompts must hold at least one prompt, got none")
    answers = _per_row("gen_length", gen_length, len(prompts))
    seeds = [seed + i for i in range(len(prompts))] if isinstance(seed, int) else list(seed)
    _per_row("seed", seeds, len(prompts))
    if not 0 <= min(seeds) <= max(seeds) < 2**32:
        raise ValueError(f"rows: seeds must be in [0, 2^32), got {seed}")
    bounds = [
        blocks(len(prompt), answer, block_length)
        for prompt, answer in zip(prompts, answers, strict=True)
    ]
    canvas = _canvas(prompts, answers, length)
    return Rows(
        jax.vmap(jax.random.key)(np.asarray(seeds, np.uint32)),
        jax.numpy.asarray(canvas),
        jax.numpy.asarray([len(prompt) for prompt in prompts], jax.numpy.int32),
        jax.numpy.asarray(_pad_blocks(bounds)),
    )


def blocks(prompt: int, gen_length: int, block_length: int | None = None) -> list[tuple[int, int]]:
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


def _canvas(
    prompts: Sequence[Sequence[int]], answers: Sequence[int], length: int | None
) -> np.ndarray:
    lengths = [len(p) + n for p, n in zip(prompts, answers, strict=True)]
    longest = max(lengths)
    if length is not None and length < longest:
        raise ValueError(
            f"rows: length must hold the longest row ({longest} positions), got {length}"
        )
    canvas = np.full((len(prompts), length or longest), VOID, np.int32)
    for row, prompt, end in zip(canvas, prompts, lengths, strict=True):
        if min(prompt, default=0) < MASK:
            raise ValueError(f"rows: token ids must be at least {MASK} (MASK), got {min(prompt)}")
        row[: len(prompt)] = prompt
        row[len(prompt) : end] = MASK
    return canvas


def _pad_blocks(bounds: list[list[tuple[int, int]]]) -> np.ndarray:
    padded = np.zeros((len(bounds), max(map(len, bounds)), 2), np.int32)
    for row, own in zip(padded, bounds, strict=True):
        row[: len(own)] = own
        row[len(own) :] = own[-1][1]
    return padded


def _per_row(name: str, value: int | Sequence[int], batch: int) -> list[int]:
    values = [value] * batch if isinstance(value, int) else list(value)
    if len(values) != batch:
        raise ValueError(f"rows: {name} needs one entry a prompt ({batch}), got {len(values)}")
    return values
