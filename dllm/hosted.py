"""The loop from Python, for languages: masks are made on the host while the forward runs.

Masks depend on the canvas alone, which is known before its forward. So a step is: the forward is
sent off; meanwhile the host finds which classes of tokens may stand where; these bits go to the
device, where logits are read under them and the rule moves; ids and confidences of the writes come
back, and the host takes back the least sure of them until what stands can be completed. Positions
with one admissible token are written before the rule is asked and cost it nothing. A language that
looks at the most useful classes first is told, behind the forward, what the model would write
without it; if that is of other classes it looks once more.

A step is a function of the row, its canvas and its language, so drafts, batches and refilled slots
change no token. Nothing that has the size of the vocabulary crosses.
"""

from functools import partial
from typing import NamedTuple, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from dllm.caches import Memory, renewed
from dllm.decode import Leave, due_rows, refresh, undrafted, wanted
from dllm.drafts import Progress, count_look, follow, record_canvas, redraft, told
from dllm.forward import (
    Asking,
    ClassBits,
    Denoiser,
    Headed,
    HostArray,
    Seen,
    predictions,
    see,
    see_and_remember,
    see_by_memory,
)
from dllm.propose import Proposal
from dllm.row import Kind, Outcome, Row, Settings, conclude, goes_on, next_move, place, select
from samplers import Move, Prediction, Scheduler
from samplers.parts import needs, spends
from samplers.ranking import holes

KINDS = {"none": Kind.FULL, "prefix": Kind.SUFFIX, "dual": Kind.BLOCK, "block_causal": Kind.BLOCK}


@runtime_checkable
class Judge(Protocol):
    """What the host says of canvases."""

    @property
    def guarded(self) -> Bool[np.ndarray, " batch"]:
        """Which rows have a language."""
        ...

    @property
    def narrow(self) -> bool:
        """Whether it has to be told what the model likes."""
        ...

    def look(
        self,
        canvases: Int[np.ndarray, "batch drafts length"],
        running: Bool[np.ndarray, " batch"],
        liked: Int[np.ndarray, "batch drafts length"] | None = None,
    ) -> tuple[ClassBits, Int[np.ndarray, "batch drafts length"]]:
        """The classes that may stand where, and the tokens that must (`MASK`: several may).

        Where it is narrow, classes may be left out, but for those of the tokens that are `liked`.
        """
        ...

    def keep(
        self, asked: "Asked", alive: Bool[np.ndarray, " batch"]
    ) -> Int[np.ndarray, "batch length"]:
        """The rule's canvases with the least sure writes taken back."""
        ...


class Asked(NamedTuple):
    """What a rule has answered; leaves `[batch, ...]`."""

    before: Int[HostArray, "batch length"]
    """The canvas that it was shown."""
    move: Move
    tokens: Int[HostArray, "batch length"]
    """What the model proposed."""
    confidence: Float[HostArray, "batch length"]
    """How sure of it, as a logarithm."""


def run_hosted(
    judge: Judge,
    model: Denoiser | Headed,
    proposal: Proposal,
    scheduler: Scheduler,
    rows: Row,
    memory: Memory | None,
    leave: Leave,
    *,
    settings: Settings,
) -> tuple[Row, Memory | None, int]:
    """`dllm.decode.run` with the judge's constraint."""
    fixed = {"settings": settings, "asks": needs(scheduler)}
    forwards = 0
    while True:
        outcome, block, drafts = jax.device_get((rows.outcome, rows.block, rows.drafts))
        running = outcome == Outcome.RUNNING
        arrived = np.any(running & (block >= np.asarray(leave.block)))
        if running.sum() <= leave.running or forwards >= int(leave.forwards) or arrived:
            return rows, memory, forwards
        forwards += 1
        anew = memory is not None and bool(wanted(settings, rows))
        if anew and settings.cache.kind == "block_causal":
            assert memory is not None
            rows, memory = refresh(
                model, proposal, None, scheduler, rows, memory, settings=settings
            )
            continue
        seen, memory, moves = _see(model, proposal, rows, memory, anew=anew, **fixed)
        # Sent off before the host looks, so that the device goes on with it behind its forward.
        liked = _liked(model, proposal, rows, seen, anew=anew, **fixed) if judge.narrow else None
        canvases = drafts[:, :1] if anew else drafts
        bits, free = judge.look(canvases, running)
        if liked is not None:  # most often all of that is known by now
            bits, free = judge.look(canvases, running, np.asarray(liked))
        kind = Kind.FULL if anew else KINDS[settings.cache.kind]
        shown = _read(model, proposal, bits, rows, seen, anew=anew, **fixed)
        rows = _settle(judge, proposal, scheduler, settings, kind, moves, rows, shown, free)


def _settle(
    judge: Judge,
    proposal: Proposal,
    scheduler: Scheduler,
    settings: Settings,
    kind: Kind,
    moves: Bool[Array, " batch"],
    rows: Row,
    shown: Prediction,
    free: Int[np.ndarray, "batch drafts length"],
) -> Row:
    """`dllm.drafts.settle` for a batch, with the judge asked after every true step."""
    fixed = {"settings": settings}
    number = shown.tokens.shape[1]
    before, progress = _start(rows, moves, kind=kind, number=number, **fixed)
    for taken in range(1, number + 1):
        here, asked = _ask(scheduler, progress, shown, free, **fixed)
        alive = np.asarray(progress.alive)
        if taken > 1 and not alive.any():
            break
        kept = judge.keep(jax.device_get(asked), alive)
        outcome = (kept, judge.guarded, proposal.greedy, np.int32(taken))
        told_rows = (before, progress, here, asked, shown)
        progress = _conclude(scheduler, *outcome, *told_rows, number=number, **fixed)
    return _finish(scheduler, moves, rows, before, progress, shown, kind=kind, **fixed)


@partial(jax.jit, static_argnames=("settings", "asks", "anew"))
def _see(
    model: Denoiser | Headed,
    proposal: Proposal,
    rows: Row,
    memory: Memory | None,
    *,
    settings: Settings,
    asks: frozenset[str],
    anew: bool,
) -> tuple[Seen, Memory | None, Bool[Array, " batch"]]:
    """A forward; also the memory after it, and which rows it tells something."""
    asking = Asking(model, proposal, None, asks, settings)
    running = rows.outcome == Outcome.RUNNING
    if memory is None:
        return see(asking, rows), None, running
    due = due_rows(settings, rows)
    if not anew:
        return see_by_memory(asking, rows, memory), memory, running & ~due
    seen, fresh = see_and_remember(asking, undrafted(rows))
    return seen, renewed(running & due, fresh, memory), running & due


@partial(jax.jit, static_argnames=("settings", "asks", "anew"))
def _read(
    model: Denoiser | Headed,
    proposal: Proposal,
    bits: ClassBits,
    rows: Row,
    seen: Seen,
    *,
    settings: Settings,
    asks: frozenset[str],
    anew: bool,
) -> Prediction:
    """What the forward says of every draft, under the bits."""
    asking = Asking(model, proposal, bits, asks, settings)
    return predictions(asking, undrafted(rows) if anew else rows, seen)


@partial(jax.jit, static_argnames=("settings", "asks", "anew"))
def _liked(
    model: Denoiser | Headed,
    proposal: Proposal,
    rows: Row,
    seen: Seen,
    *,
    settings: Settings,
    asks: frozenset[str],
    anew: bool,
) -> Int[Array, "batch drafts length"]:
    """The tokens that would be proposed were there no language."""
    asking = Asking(model, proposal, None, asks, settings)
    return predictions(asking, undrafted(rows) if anew else rows, seen).tokens


@partial(jax.jit, static_argnames=("settings", "kind", "number"))
def _start(
    rows: Row, moves: Bool[Array, " batch"], *, settings: Settings, kind: Kind, number: int
) -> tuple[Row, Progress]:
    counted = jax.vmap(lambda row: count_look(settings, kind, row, number))(rows)
    alive = moves & jax.vmap(goes_on)(counted)
    return counted, Progress(counted, jnp.zeros_like(rows.block), alive)


@partial(jax.jit, static_argnames="settings")
def _ask(
    scheduler: Scheduler,
    progress: Progress,
    shown: Prediction,
    free: Int[Array, "batch drafts length"],
    *,
    settings: Settings,
) -> tuple[Row, Asked]:
    """What the rule answers to every row, once all that is free has been written."""

    def of_row(progress: Progress, shown: Prediction, free: Array) -> tuple[Row, Asked]:
        row, used, _ = progress
        row = record_canvas(row)
        here = row._replace(canvas=_with_free(row, free[used]))
        prediction = told(settings, here, jax.tree.map(lambda leaf: leaf[used], shown))
        filled = ~jnp.any(holes(here.canvas, place(here)))
        asked = next_move(scheduler, here, prediction)
        asked = asked._replace(stopped=jnp.asarray(asked.stopped))
        through = Move(here.canvas, row.state, jnp.bool_(True), jnp.bool_(False))
        fell = filled & jnp.any(here.canvas != row.canvas) & (not spends(scheduler))
        move = _either(fell, through, asked)
        move = _either(row.overdue, _surest(here, prediction), move)
        return here, Asked(here.canvas, move, prediction.tokens, prediction.log_confidence)

    return jax.vmap(of_row)(progress, shown, free)


def _either(condition: Array, yes: Move, no: Move) -> Move:
    return jax.tree.map(lambda a, b: jnp.where(condition, a, b), yes, no)


def _with_free(row: Row, free: Int[Array, " length"]) -> Int[Array, " length"]:
    """The canvas with what must stand in its block, and no further: the rest may be kept."""
    return jnp.where(holes(row.canvas, place(row)) & (free >= 0), free, row.canvas)


def _surest(row: Row, prediction: Prediction) -> Move:
    """Writes the surest position of the block: any rule's way out, and always a valid one."""
    here = place(row)
    writable = holes(row.canvas, here) & prediction.allowed & prediction.seen
    at = jnp.argmax(jnp.where(writable, prediction.log_confidence, -jnp.inf))
    token = jnp.where(writable[at], prediction.tokens[at], row.canvas[at])
    canvas = row.canvas.at[at].set(token)
    return Move(canvas, row.state, ~jnp.any(holes(canvas, here)), jnp.bool_(False))


@partial(jax.jit, static_argnames=("settings", "number"))
def _conclude(
    scheduler: Scheduler,
    kept: Int[Array, "batch length"],
    guarded: Bool[Array, " batch"],
    greedy: Bool[Array, ""],
    taken: Int[Array, ""],
    before: Row,
    progress: Progress,
    here: Row,
    asked: Asked,
    shown: Prediction,
    *,
    settings: Settings,
    number: int,
) -> Progress:
    """The rows after what is kept of their moves; a block is not left while it has holes."""

    def of_row(
        kept: Array,
        guarded: Array,
        before: Row,
        progress: Progress,
        here: Row,
        move: Move,
        shown: Prediction,
    ) -> Progress:
        open_still = guarded & jnp.any(holes(kept, place(here)))
        through = move.done | move.stopped
        barren = jnp.any(kept != move.canvas) & jnp.all(kept == here.canvas)
        overdue = open_still & (through | barren | here.overdue)
        done, stopped = move.done & ~open_still, move.stopped & ~open_still
        prediction = told(settings, here, jax.tree.map(lambda leaf: leaf[progress.used], shown))
        made = Move(kept, move.state, done, stopped)
        moved = conclude(scheduler, settings, here, made, prediction)
        moved = moved._replace(overdue=overdue & (moved.block == here.block))
        return follow(settings, greedy, before, number, taken, progress, moved)

    return jax.vmap(of_row)(kept, guarded, before, progress, here, asked.move, shown)


@partial(jax.jit, static_argnames=("settings", "kind"))
def _finish(
    scheduler: Scheduler,
    moves: Bool[Array, " batch"],
    rows: Row,
    before: Row,
    progress: Progress,
    shown: Prediction,
    *,
    settings: Settings,
    kind: Kind,
) -> Row:
    """The next drafts; rows that the forward told nothing stay as they were."""
    ended = partial(redraft, scheduler, settings, kind)
    after = jax.vmap(ended)(before, progress.row, progress.used, shown)
    return jax.vmap(select)(moves, after, rows)
