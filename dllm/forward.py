"""One forward: the drafts of all rows through the model, and what is read off its logits."""

from typing import Protocol, runtime_checkable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from dllm.propose import Proposal, Scene, guide, read
from dllm.row import Row, Settings, place, streams
from samplers import MASK, VOID, Prediction
from samplers.base import LOG_ZERO


@runtime_checkable
class Denoiser(Protocol):
    """The model as the loop sees it, and the seam for tests: a pytree with this method."""

    def logits(
        self, canvas: Int[Array, "rows length"], start: Int[Array, " rows"], window: int
    ) -> Float[Array, "rows window vocab"]:
        """Logits of `window` positions from each row's `start` on.

        `MASK` positions are masked input, `VOID` positions do not exist. Positions past the canvas
        may answer anything. Row i of the answer is about the token at position i: a model trained
        to predict the next position shifts by itself.
        """
        ...


@runtime_checkable
class Headed(Protocol):
    """A denoiser that hands out its states before the head, so that logits can be read in pieces.

    `logits` is then `head` of `hidden`.
    """

    def hidden(
        self, canvas: Int[Array, "rows length"], start: Int[Array, " rows"], window: int
    ) -> Float[Array, "rows window width"]:
        """States of the positions that `Denoiser.logits` is asked for."""
        ...

    def head(self, hidden: Float[Array, "*batch width"]) -> Float[Array, "*batch vocab"]:
        """Logits of states, position by position."""
        ...


@runtime_checkable
class Constraint(Protocol):
    """Which tokens may stand where: a pytree with this method."""

    def allowed(self, canvas: Int[Array, " length"]) -> Bool[Array, "length vocab"]:
        """The admissible tokens of every position of one row."""
        ...


PIECE = 2**28
"""Bytes of float32 logits that are in memory at a time, if the model lets its head be asked."""

Features = tuple[Float[Array, "*items window width"], ...]
"""States (or logits) of a window; with guidance also those for the hidden prompt."""


def look(
    model: Denoiser | Headed,
    proposal: Proposal,
    constraint: Constraint | None,
    needs: frozenset[str],
    settings: Settings,
    rows: Row,
) -> Prediction:
    """Predictions of every row's drafts; leaves `[batch, drafts, length]`."""
    shape = rows.drafts.shape[:2]

    def of_draft(row: Row, offset: Int[Array, ""]) -> tuple[Scene, Bool[Array, " length"]]:
        canvas = row.drafts[offset]
        at = _start(row, needs) + jnp.arange(settings.window)
        key, _ = streams(row.key, row.block, row.step + offset)
        bits = None if constraint is None else constraint.allowed(canvas)[at]
        return Scene(key, row.total + offset, at, canvas[at], bits), _visible(row, canvas, needs)

    of_row = jax.vmap(of_draft, in_axes=(None, 0))
    scenes, visible = jax.vmap(of_row, in_axes=(0, None))(rows, jnp.arange(shape[1]))
    features = _features(model, proposal, needs, settings, rows)
    # Rows and drafts as one axis: XLA's CPU backend reduces `[rows, 1, window, vocab]` many times
    # slower than `[rows, window, vocab]`.
    items = jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), scenes)
    predictions = _read_all(model, proposal, needs, items, features)
    predictions = jax.tree.map(lambda leaf: leaf.reshape(*shape, *leaf.shape[1:]), predictions)
    return jax.vmap(jax.vmap(_spread))(predictions, scenes.at, visible)


def _features(
    model: Denoiser | Headed,
    proposal: Proposal,
    needs: frozenset[str],
    settings: Settings,
    rows: Row,
) -> Features:
    """One model call; with guidance its batch also holds every row with what was given hidden."""
    ask = model.hidden if isinstance(model, Headed) else model.logits
    batch, drafts, length = rows.drafts.shape
    canvases = rows.drafts[None]
    if proposal.guidance is not None:
        hidden = jnp.where(rows.given[:, None], MASK, rows.drafts)
        canvases = jnp.stack([rows.drafts, hidden])
    start = jax.vmap(lambda row: _start(row, needs))(rows)
    start = jnp.tile(jnp.repeat(start, drafts), canvases.shape[0])
    answer = ask(canvases.reshape(-1, length), start, settings.window)
    return tuple(answer.reshape(-1, batch * drafts, *answer.shape[1:]))


def _read_all(
    model: Denoiser | Headed,
    proposal: Proposal,
    needs: frozenset[str],
    scenes: Scene,
    features: Features,
) -> Prediction:
    """Predictions of all items; the head is asked for as many at a time as fit in `PIECE`."""

    def of_item(item: tuple[Scene, Features]) -> Prediction:
        scene, states = item
        logits = [model.head(s) if isinstance(model, Headed) else s for s in states]
        joined = logits[0]
        if proposal.guidance is not None:
            joined = guide(logits[0], logits[1], proposal.guidance)
        return read(proposal, needs, scene, joined)

    number, window = scenes.at.shape
    if not isinstance(model, Headed):
        return jax.vmap(of_item)((scenes, features))
    vocab = jax.eval_shape(model.head, features[0]).shape[-1]
    fitting = max(1, PIECE // (4 * vocab * len(features)))  # positions
    if number * window <= fitting:
        return jax.vmap(of_item)((scenes, features))
    cuts = next(n for n in range(1, window + 1) if window % n == 0 and window // n <= fitting)
    pieces = _cut(scenes, features, cuts)
    batch_size = min(max(1, fitting // (window // cuts)), number * cuts)
    predictions = jax.lax.map(of_item, pieces, batch_size=batch_size)
    return jax.tree.map(lambda leaf: leaf.reshape(number, window, *leaf.shape[2:]), predictions)


def _cut(scenes: Scene, features: Features, cuts: int) -> tuple[Scene, tuple[Array, ...]]:
    """Every window in so many equal pieces, as items of their own."""

    def cut(leaf: Array) -> Array:
        return leaf.reshape(leaf.shape[0] * cuts, -1, *leaf.shape[2:])

    windows = jax.tree.map(cut, scenes._replace(key=None, total=None))
    key, total = (jnp.repeat(leaf, cuts) for leaf in (scenes.key, scenes.total))
    return windows._replace(key=key, total=total), jax.tree.map(cut, features)


def _start(row: Row, needs: frozenset[str]) -> Int[Array, ""]:
    return jnp.int32(0) if "canvas" in needs else place(row).start


def _visible(
    row: Row, canvas: Int[Array, " length"], needs: frozenset[str]
) -> Bool[Array, " length"]:
    """Positions a rule is told about; they must not depend on how long the window happens to be."""
    exists = canvas != VOID
    if "canvas" in needs:
        return exists
    at, here = jnp.arange(canvas.shape[0]), place(row)
    return exists & (at >= here.start) & (at < here.end)


def _spread(
    prediction: Prediction, at: Int[Array, " window"], visible: Bool[Array, " length"]
) -> Prediction:
    """A window's prediction on the whole canvas; probabilities are 0 where it says nothing."""
    length = visible.shape[0]
    target = jnp.where((at < length) & visible[jnp.minimum(at, length - 1)], at, length)

    def spread(path: tuple, leaf: Array) -> Array:
        empty = LOG_ZERO if path[0].name.startswith("log_") else 0
        blank = jnp.full((length, *leaf.shape[1:]), empty, leaf.dtype)
        return blank.at[target].set(leaf, mode="drop")

    return jax.tree.map_with_path(spread, prediction)
