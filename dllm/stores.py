"""The block-causal cache: keys and values of finished blocks, exact and kept for good.

Where no position attends to a later block, what a finished block computed stays right. The prompt's
complete blocks are computed in one forward; then every block once more when it is finished, with
its last tokens on it, and nothing before it ever again.

A row keeps `stored` positions. The block behind them is its current one; with blocks looked at
ahead (`decode(eager=True)`, FreeDave's eager mode) the row may have begun the next ones.
"""

from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Int

from dllm import hosts
from dllm.caches import Cached, Memory, Span, renewed
from dllm.canvas import Rows
from dllm.row import Kind, Outcome, Row, Settings, count_call, goes_on, place, select
from samplers import MASK


@runtime_checkable
class BlockCausal(Cached, Protocol):
    """A model in which no position attends to a later block of `causal_block` positions."""

    causal_block: int | None
    """`None` where every position attends to every other."""

    def store(self, memory: Any, canvas: Int[Array, "rows length"], span: Span, window: int) -> Any:
        """`memory` with what a forward as of `recall` computed of its span."""
        ...


def refuse_foreign_blocks(model: Any, settings: Settings, rows: Row | Rows) -> None:
    """Raises unless a block-causal cache fits the model and the blocks of all rows.

    Raises:
        TypeError: later blocks change what the model computed of earlier ones.
        ValueError: blocks that are not the model's own or equal multiples of them; or tokens behind
            a block that a model which moves decided ones to the front would see in it.
    """
    if settings.cache.kind != "block_causal":
        return
    if not isinstance(model, BlockCausal) or model.causal_block is None:
        raise TypeError(
            "decode: cache 'block_causal' needs a model whose attention is block-causal "
            f"(see dllm.BlockCausal), got {type(model).__name__}"
        )
    own, length = model.causal_block, block_length(settings)
    for row, canvas in zip(*hosts.fetch((rows.blocks, rows.canvas)), strict=True):
        starts, ends = row[row[:, 1] > row[:, 0]].T
        follows = np.array_equal(starts[1:], ends[:-1])
        even = length % own == 0 and np.all(starts % own == 0) and np.all(ends - starts == length)
        if not (follows and even):
            raise ValueError(
                f"decode: cache 'block_causal' needs the model's own blocks, of {own} positions, "
                "or equal multiples of them, counted from the first of the canvas (rows: "
                f"anchored=True), got {row.tolist()}"
            )
        behind = canvas[ends[0] :] if len(ends) else canvas[:0]
        if getattr(model, "reordered", False) and np.any(behind >= 0):
            raise ValueError(
                "decode: cache 'block_causal' needs every block behind the first undecided, "
                "because this model sees all decided tokens at once"
            )


def block_length(settings: Settings) -> int:
    """How many positions one store computes."""
    return settings.window // (1 + settings.ahead)


def scope(settings: Settings, row: Row) -> tuple[Int[Array, ""], Int[Array, ""]]:
    """Where a row's next forward looks for positions to write."""
    here = place(row)
    if not settings.ahead:
        return here.start, here.end
    return row.stored, jnp.minimum(row.stored + settings.window, _bounds(row)[1])


def after_look(settings: Settings, row: Row, looked: Int[Array, " length"]) -> Row:
    """Notes whether the row's block is to be stored now; `looked` is the canvas seen last.

    With blocks looked at ahead, a block is finished once a canvas was seen that has all of it: the
    same forward says what comes next. The last block has no next one to wait for.
    """
    if settings.cache.kind != "block_causal":
        return row
    beyond = place(row).start > row.stored
    if not settings.ahead:
        return row._replace(waits=beyond | ~goes_on(row))
    end = row.stored + block_length(settings)
    at = jnp.arange(looked.shape[0])
    left = jnp.sum((looked == MASK) & (at >= row.stored) & (at < end))
    last = (end >= _bounds(row)[1]) & ~goes_on(row)
    passed = place(row).start >= row.stored + settings.window
    return row._replace(waits=(left == 0) | (last & (left <= 1)) | passed)


def _bounds(row: Row) -> tuple[Int[Array, ""], Int[Array, ""]]:
    """Where the first of a row's blocks begins and the last ends."""
    start, end = row.blocks.T
    exists = end > start
    first = jnp.min(jnp.where(exists, start, row.canvas.shape[0]))
    return first, jnp.max(jnp.where(exists, end, 0))


def keep(
    settings: Settings,
    prefill: Callable[[], Memory],
    store: Callable[[Span], Any],
    rows: Row,
    memory: Memory,
    told: Bool[Array, " batch"],
) -> tuple[Row, Memory]:
    """One forward for rows that wait: their prompts if any row's is not kept yet, else a block.

    `prefill()` is what a forward of everything computed, `store(span)` the memory with these
    positions made anew.
    """
    first, _ = jax.vmap(_bounds)(rows)
    unread = told & (rows.stored < first)

    def of_prompts() -> tuple[Row, Memory]:
        kept = renewed(unread, prefill(), memory)
        return _stored(Kind.FULL, rows, jnp.zeros_like(first), first, unread), kept

    def of_blocks() -> tuple[Row, Memory]:
        end = rows.stored + block_length(settings)
        kept = store(Span(rows.stored, jnp.where(told, end, rows.stored), end))
        return _stored(Kind.BLOCK, rows, rows.stored, end, told), memory._replace(kept=kept)

    return jax.lax.cond(jnp.any(unread), of_prompts, of_blocks)


def _stored(
    kind: Kind,
    rows: Row,
    start: Int[Array, " batch"],
    end: Int[Array, " batch"],
    told: Bool[Array, " batch"],
) -> Row:
    """Those rows took part in a forward that kept `[start, end)`."""

    def of_row(row: Row, start: Int[Array, ""], end: Int[Array, ""]) -> Row:
        row = count_call(row, kind, start, end, 1, stores=True)
        ends = row.ending != Outcome.RUNNING
        over = ends & (end >= place(row).end)
        return row._replace(
            stored=end,
            waits=(ends & ~over) | (place(row).start > end),
            outcome=jnp.where(over, row.ending, row.outcome),
        )

    after = jax.vmap(of_row)(rows, start, end)
    return jax.vmap(select)(told, after, rows)
