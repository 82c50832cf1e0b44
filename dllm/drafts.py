"""Drafts: several guessed canvases looked at in one forward (FreeDave's idea), made lossless.

The confirmed row takes its true step. If the canvas it arrives at is one of those the forward
looked at, that prediction is the one the next forward would have given, so the next true step is
taken from the true state without another forward; and so on. Canvas, state and step numbers never
come from a guess, therefore every scheduler keeps its tokens, also one with a memory. At
temperature > 0 a prediction also depends on the step's noise, and a guess counts only at its own
step number.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Int

from dllm.caches import due, span_of
from dllm.row import Kind, Outcome, Row, Settings, select, take_step
from samplers import VOID, Prediction, Scheduler


def settle(
    scheduler: Scheduler,
    settings: Settings,
    greedy: Bool[Array, ""],
    kind: Kind,
    row: Row,
    predictions: Prediction,
) -> Row:
    """Tells one running row what the forward saw of its drafts (leaves `[drafts, length]`).

    A full forward that other kinds follow is told of the first draft alone: what the next forward
    would have given is then not what this one saw.
    """
    row = _count_call(settings, kind, row)
    confirmed, used = _confirm(scheduler, settings, greedy, row, predictions)
    stays = (confirmed.block == row.block) & (confirmed.outcome == Outcome.RUNNING)
    stale = jax.tree.map(lambda leaf: leaf[used], predictions)
    return confirmed._replace(drafts=_guess(scheduler, settings, confirmed, stale, stays))


def _confirm(
    scheduler: Scheduler,
    settings: Settings,
    greedy: Bool[Array, ""],
    row: Row,
    predictions: Prediction,
) -> tuple[Row, Int[Array, ""]]:
    """Takes true steps while their canvas was looked at; also says which look came last."""
    offsets = jnp.arange(predictions.tokens.shape[0], dtype=jnp.int32)

    def another(carry, taken):
        here, used, alive = carry
        prediction = jax.tree.map(lambda leaf: leaf[used], predictions)
        moved = take_step(scheduler, settings, _record_canvas(here), prediction)
        here = select(alive, moved, here)
        looked_at = jnp.all(row.drafts[: len(offsets)] == here.canvas[None], axis=-1) & (
            greedy | (offsets == taken)
        )
        stays = (here.block == row.block) & (here.outcome == Outcome.RUNNING)
        stays = stays & ~(due(settings.cache, here) & settings.cache.on)
        alive = alive & stays & jnp.any(looked_at)
        return (here, jnp.where(alive, jnp.argmax(looked_at).astype(jnp.int32), used), alive), None

    start = (row, jnp.int32(0), jnp.bool_(True))
    (row, used, _), _ = jax.lax.scan(another, start, offsets + 1)
    return row, used


def _guess(
    scheduler: Scheduler,
    settings: Settings,
    row: Row,
    stale: Prediction,
    stays: Bool[Array, ""],
) -> Int[Array, "drafts length"]:
    """The row's canvas, then what its own rule would write next if the model changed no opinion.

    Guesses stay inside the block: nothing is known yet of the next one, and a guess that fills the
    block needs no forward. In their place stand copies of the last useful one.
    """

    def ahead(carry, _):
        guess, alive = carry
        moved = take_step(scheduler, settings, guess, stale)
        inside = (moved.block == row.block) & (moved.outcome == Outcome.RUNNING)
        alive = alive & inside
        guess = select(alive, moved, guess)
        return (guess, alive), guess.canvas

    _, guesses = jax.lax.scan(ahead, (row, stays), length=settings.num_drafts - 1)
    return jnp.concatenate([row.canvas[None], guesses])


def _count_call(settings: Settings, kind: Kind, row: Row) -> Row:
    row = row._replace(calls=row.calls.at[kind].add(1), forwards=row.forwards + 1)
    if not row.log.shape[0]:
        return row
    start, stop = jnp.int32(0), jnp.sum(row.canvas != VOID, dtype=jnp.int32)
    if kind != Kind.FULL:
        start, stop, _ = span_of(settings, row, stop)
    call = jnp.stack([jnp.int32(kind), start, stop - start, jnp.int32(0)])
    return row._replace(log=row.log.at[row.forwards - 1].set(call, mode="drop"))


def _record_canvas(row: Row) -> Row:
    if not row.trajectory.shape[0]:
        return row
    return row._replace(trajectory=row.trajectory.at[row.total].set(row.canvas, mode="drop"))
