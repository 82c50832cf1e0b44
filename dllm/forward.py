"""One forward: the drafts of all rows through the model, and what is read off its logits."""

from functools import partial
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
class Constraint(Protocol):
    """Which tokens may stand where: a pytree with this method."""

    def allowed(self, canvas: Int[Array, " length"]) -> Bool[Array, "length vocab"]:
        """The admissible tokens of every position of one row."""
        ...


def look(
    model: Denoiser,
    proposal: Proposal,
    constraint: Constraint | None,
    needs: frozenset[str],
    settings: Settings,
    rows: Row,
) -> Prediction:
    """Predictions of every row's drafts; leaves `[batch, drafts, length]`."""
    logits = _logits(model, proposal, needs, settings, rows)
    shape = rows.drafts.shape[:2]

    def of_draft(row: Row, offset: Int[Array, ""]) -> tuple[Scene, Bool[Array, " length"]]:
        canvas = row.drafts[offset]
        at = _start(row, needs) + jnp.arange(settings.window)
        key, _ = streams(row.key, row.block, row.step + offset)
        bits = None if constraint is None else constraint.allowed(canvas)[at]
        return Scene(key, row.total + offset, at, canvas[at], bits), _visible(row, canvas, needs)

    of_row = jax.vmap(of_draft, in_axes=(None, 0))
    scenes, visible = jax.vmap(of_row, in_axes=(0, None))(rows, jnp.arange(shape[1]))
    # Rows and drafts as one axis: XLA's CPU backend reduces `[rows, 1, window, vocab]` many times
    # slower than `[rows, window, vocab]`.
    flat = jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), (scenes, logits))
    predictions = jax.vmap(partial(read, proposal, needs))(*flat)
    predictions = jax.tree.map(lambda leaf: leaf.reshape(*shape, *leaf.shape[1:]), predictions)
    return jax.vmap(jax.vmap(_spread))(predictions, scenes.at, visible)


def _logits(
    model: Denoiser, proposal: Proposal, needs: frozenset[str], settings: Settings, rows: Row
) -> Float[Array, "batch drafts window vocab"]:
    """One model call; with guidance its batch also holds every row with what was given hidden."""
    batch, drafts, length = rows.drafts.shape
    canvases = rows.drafts
    if proposal.guidance is not None:
        hidden = jnp.where(rows.given[:, None], MASK, rows.drafts)
        canvases = jnp.concatenate([rows.drafts, hidden], axis=1)
    start = jax.vmap(lambda row: _start(row, needs))(rows)
    flat = canvases.reshape(-1, length)
    logits = model.logits(flat, jnp.repeat(start, canvases.shape[1]), settings.window)
    logits = logits.reshape(batch, -1, *logits.shape[1:])
    if proposal.guidance is None:
        return logits
    return guide(logits[:, :drafts], logits[:, drafts:], proposal.guidance)


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
