"""Keys and values kept between forwards: Fast-dLLM's prefix and dual caches, and block-causal ones.

A block opens with a full forward of the confirmed canvas, whose keys and values are kept. The
forwards that follow compute part of the canvas only and take what they do not compute from there:

* `prefix`: everything before the block is kept, everything from the block on is computed;
* `dual`: the block is computed, everything else is kept, stale as it gets;
* `block_causal`: for models that do not look at later blocks, see `dllm.stores`.

https://arxiv.org/abs/2505.22618.
"""

from typing import Any, NamedTuple, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from dllm.row import Cache, Kind, Row, Settings, place
from samplers import VOID

KINDS = {
    "none": Kind.FULL,
    "prefix": Kind.SUFFIX,
    "dual": Kind.BLOCK,
    "block_causal": Kind.BLOCK,
}
"""What the forwards within a block compute."""


class Span(NamedTuple):
    """What a forward over kept keys and values computes of each row."""

    start: Int[Array, " rows"]
    stop: Int[Array, " rows"]
    """Positions from here on are not computed, whatever the window."""
    known: Int[Array, " rows"]
    """How many positions are attended to."""


@runtime_checkable
class Cached(Protocol):
    """A model that can keep keys and values. Both methods answer as `Headed.hidden` does.

    `memory` is a pytree with the rows first.
    """

    def remember(
        self, canvas: Int[Array, "rows length"], start: Int[Array, " rows"], window: int
    ) -> tuple[Float[Array, "rows window width"], Any]:
        """A full forward, and what it computed of every position."""
        ...

    def recall(
        self, memory: Any, canvas: Int[Array, "rows length"], span: Span, window: int
    ) -> Float[Array, "rows window width"]:
        """A forward of `window` positions from `span.start` on; the others come from memory."""
        ...


class Memory(NamedTuple):
    """What a batch keeps between forwards."""

    kept: Any
    """The model's; with guidance the rows with a hidden prompt follow the others."""
    known: Int[Array, " batch"]
    """Positions that existed when it was made."""


def as_cache(cache: "str | Cache") -> Cache:
    """A cache by its name.

    Raises:
        ValueError: no cache has this name, or it is refreshed every 0 steps, or at all
            where it is exact.
    """
    cache = Cache(cache) if isinstance(cache, str) else cache
    if cache.kind not in KINDS:
        raise ValueError(f"cache: must be one of {', '.join(KINDS)}, got {cache.kind!r}")
    if cache.refresh is not None and cache.refresh < 1:
        raise ValueError(f"cache: refresh must be at least 1 step, got {cache.refresh}")
    if cache.refresh is not None and cache.kind == "block_causal":
        raise ValueError(
            "cache: 'block_causal' is exact and never made anew, so refresh must be left out, "
            f"got {cache.refresh}"
        )
    return cache


def renewed(told: Bool[Array, " batch"], fresh: Memory, memory: Memory) -> Memory:
    """Memory as made anew for those rows, as it was for the others."""

    def renew(new: Array, old: Array) -> Array:
        rows = jnp.tile(told, new.shape[0] // told.shape[0])  # with guidance twice as many
        return jnp.where(jnp.expand_dims(rows, tuple(range(1, new.ndim))), new, old)

    return jax.tree.map(renew, fresh, memory)


def due(cache: Cache, row: Row) -> Array:
    """Whether a row's next forward must be one that is kept."""
    if cache.kind == "block_causal":
        return row.waits
    if cache.refresh is None:
        return row.step == 0
    return row.step % cache.refresh == 0


def span_of(settings: Settings, row: Row, known: Array) -> Span:
    """What the next forward of a row computes; `known` is how much of it was remembered."""
    here = place(row)
    exists = jnp.sum(row.canvas != VOID, dtype=jnp.int32)
    if settings.cache.kind == "block_causal":
        stop = jnp.minimum(row.stored + settings.window, exists)
        return Span(row.stored, stop, stop)
    if settings.cache.kind == "dual":  # what was cut off since is still attended to, as published
        return Span(here.start, jnp.minimum(here.end, exists), known)
    return Span(here.start, exists, exists)
