"""Drafts: several guessed canvases looked at in one forward (FreeDave's idea), made lossless.

The confirmed row takes its true step. If the canvas it arrives at is one of those the forward
looked at, that prediction is the one the next forward would have given, so the next true step is
taken from the true state without another forward; and so on. Canvas, state and step numbers never
come from a guess, therefore every scheduler keeps its tokens, also one with a memory. At
temperature > 0 a prediction also depends on the step's noise, and a guess counts only at its own
step number.

`accept="subset"` also goes on from a draft that holds less than the true step wrote, as FreeDave++
does in models with full attention. That is not lossless where a step writes several tokens: what
the step wrote and the draft does not hold is undecided again.

https://arxiv.org/abs/2510.00294.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Int

from dllm import freedave
from dllm.caches import due, span_of
from dllm.row import (
    Kind,
    Outcome,
    Row,
    Settings,
    count_call,
    goes_on,
    place,
    select,
    take_step,
)
from dllm.stores import after_look, scope
from samplers import MASK, VOID, Prediction, Scheduler
from samplers.base import unseen

ACCEPTS = ("exact", "subset")
"""Which drafts are gone on from: the true step's canvas, or also one that holds less."""

DRAFTERS = ("own", *freedave.DRAFTERS)
"""`own`: what the row's own rule would write next, if the model changed no opinion."""


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
    row = count_look(settings, kind, row, predictions.tokens.shape[0])
    confirmed, used = _confirm(scheduler, settings, greedy, row, predictions)
    return redraft(scheduler, settings, kind, row, confirmed, used, predictions)


def redraft(
    scheduler: Scheduler,
    settings: Settings,
    kind: Kind,
    row: Row,
    confirmed: Row,
    used: Int[Array, ""],
    predictions: Prediction,
) -> Row:
    """The row after its true steps, with the canvases that the next forward looks at."""
    looked = row.drafts[used]
    stale = jax.tree.map(lambda leaf: leaf[used], predictions)
    confirmed = after_look(settings, confirmed, looked)
    stays = _within(settings, row, confirmed)
    if settings.drafter == "own":
        return confirmed._replace(drafts=_guess(scheduler, settings, confirmed, stale, stays))
    fresh = kind == Kind.FULL and settings.cache.on
    return freedave.draft(settings, confirmed, looked, stale, stays, fresh=fresh)


def _confirm(
    scheduler: Scheduler,
    settings: Settings,
    greedy: Bool[Array, ""],
    row: Row,
    predictions: Prediction,
) -> tuple[Row, Int[Array, ""]]:
    """Takes true steps while their canvas was looked at; also says which look came last."""
    number = predictions.tokens.shape[0]

    def another(progress: Progress, taken: Int[Array, ""]) -> tuple[Progress, None]:
        here, used, _ = progress
        prediction = told(settings, here, jax.tree.map(lambda leaf: leaf[used], predictions))
        moved = take_step(scheduler, settings, record_canvas(here), prediction)
        return follow(settings, greedy, row, number, taken, progress, moved), None

    start = Progress(row, jnp.int32(0), goes_on(row))
    (row, used, _), _ = jax.lax.scan(another, start, jnp.arange(number, dtype=jnp.int32) + 1)
    return row, used


class Progress(NamedTuple):
    """How far a row has come with one forward's predictions."""

    row: Row
    used: Int[Array, ""]
    """The draft whose prediction comes next, or came last."""
    alive: Bool[Array, ""]
    """Whether there is one that comes next."""


def follow(
    settings: Settings,
    greedy: Bool[Array, ""],
    row: Row,
    number: int,
    taken: Int[Array, ""],
    progress: Progress,
    moved: Row,
) -> Progress:
    """After a true step: on to the draft that looked at the canvas it arrived at, if one did.

    `row` is as the forward saw it, with `number` drafts looked at; `taken` steps were made of it.
    """
    here, used, alive = progress
    offsets, drafts = jnp.arange(number, dtype=jnp.int32), row.drafts[:number]
    agreed = _agreed(settings, drafts, offsets > used, here, moved)
    agreed = agreed & (greedy | (offsets == taken))
    found = alive & jnp.any(agreed)
    last = jnp.max(jnp.where(agreed, offsets, 0))
    if settings.accept == "subset":
        moved = select(found, _fall_back(here, moved, drafts[last]), moved)
    here = select(alive, moved, here)
    stays = _within(settings, row, here, crosses=greedy)
    stays = stays & ~(due(settings.cache, here) & settings.cache.on)
    return Progress(here, jnp.where(found, last, used), found & stays)


def _agreed(
    settings: Settings,
    drafts: Int[Array, "drafts length"],
    later: Bool[Array, " drafts"],
    here: Row,
    moved: Row,
) -> Bool[Array, " drafts"]:
    """Which drafts may be gone on from after a step."""
    same = drafts == moved.canvas[None]
    if settings.accept == "exact":
        return jnp.all(same, axis=-1)
    further = later & jnp.any(drafts != here.canvas[None], axis=-1)
    return further & jnp.all(same | (drafts == MASK), axis=-1)


def _fall_back(here: Row, moved: Row, draft: Int[Array, " length"]) -> Row:
    """The step, but what the draft does not hold is undecided again."""
    back = moved._replace(
        canvas=draft,
        log_probs=jnp.where(draft == MASK, here.log_probs, moved.log_probs),
        block=here.block,
        step=here.step + 1,
        outcome=jnp.where(moved.total >= moved.limit, Outcome.OUT_OF_STEPS, Outcome.RUNNING),
        ending=here.ending,
    )
    return select(jnp.any(draft != moved.canvas), back, moved)


def _within(
    settings: Settings, row: Row, here: Row, crosses: Bool[Array, ""] | bool = True
) -> Bool[Array, ""]:
    """Whether a row that has moved on is still where its drafts were looked at.

    That is in its block; with blocks looked at ahead, in any of those, if it `crosses` borders.
    """
    same = here.block == row.block
    if settings.ahead:
        same = same | (crosses & (place(here).start < scope(settings, row)[1]))
    return goes_on(here) & same


def told(settings: Settings, row: Row, prediction: Prediction) -> Prediction:
    """What a rule is told: of its block and nothing else, also where more was looked at."""
    if not settings.ahead:
        return prediction
    here, at = place(row), jnp.arange(row.canvas.shape[0])
    inside = (at >= here.start) & (at < here.end)

    def tell(path: tuple, leaf: Array) -> Array:
        kept = inside.reshape(-1, *[1] * (leaf.ndim - 1))
        return jnp.where(kept, leaf, jnp.asarray(unseen(path), leaf.dtype))

    return jax.tree.map_with_path(tell, prediction)


def _guess(
    scheduler: Scheduler,
    settings: Settings,
    row: Row,
    stale: Prediction,
    stays: Bool[Array, ""],
) -> Int[Array, "drafts length"]:
    """The row's canvas, then what its own rule would write next if the model changed no opinion.

    Guesses stay where the model has looked: nothing is known yet of what is behind, and a guess
    that fills the last block needs no forward. In their place stand copies of the last useful one.
    """

    def ahead(carry, _):
        guess, alive = carry
        moved = take_step(scheduler, settings, guess, told(settings, guess, stale))
        alive = alive & _within(settings, row, moved)
        guess = select(alive, moved, guess)
        return (guess, alive), guess.canvas

    _, guesses = jax.lax.scan(ahead, (row, stays), length=settings.num_drafts - 1)
    return jnp.concatenate([row.canvas[None], guesses])


def count_look(settings: Settings, kind: Kind, row: Row, number: int) -> Row:
    """Takes note of a forward that looked at so many drafts of the row."""
    start, stop = jnp.int32(0), jnp.sum(row.canvas != VOID, dtype=jnp.int32)
    if kind != Kind.FULL:
        start, stop, _ = span_of(settings, row, stop)
    return count_call(row, kind, start, stop, jnp.minimum(row.drafted, number))


def record_canvas(row: Row) -> Row:
    """Takes note of the canvas before a true step, if that is kept."""
    if not row.trajectory.shape[0]:
        return row
    return row._replace(trajectory=row.trajectory.at[row.total].set(row.canvas, mode="drop"))
