"""One forward: the drafts of all rows through the model, and what is read off its logits."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Shaped, UInt32

from dllm.caches import Cached, Memory, Span, span_of
from dllm.propose import Proposal, Scene, guide, hindsight, read
from dllm.row import Row, Settings, place, streams
from dllm.sharding.rules import RULES, mesh_of, vocab_shards
from dllm.stores import BlockCausal, block_length, scope
from samplers import MASK, VOID, Prediction
from samplers.base import unseen


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
class Reviewing(Protocol):
    """A model that also says what it would predict in place of tokens that stand."""

    def review(
        self,
        canvas: Int[Array, "rows length"],
        start: Int[Array, " rows"],
        window: int,
        shadowed: Bool[Array, "rows window"],
    ) -> tuple[Float[Array, "rows window width"], Float[Array, "rows window width"]]:
        """The window as `Headed.hidden` gives it (`Denoiser.logits` of a model with no head).

        And the same of a shadow: one more masked input for each `shadowed` position of the window,
        with that position's number. A shadow attends to the canvas but for the position it stands
        for, and to the other shadows; nothing else attends to it. Not `shadowed`: any answer.
        """
        ...


@runtime_checkable
class Constraint(Protocol):
    """Which tokens may stand where: a pytree with this method."""

    def allowed(self, canvas: Int[Array, " length"]) -> Bool[Array, "length vocab"]:
        """The admissible tokens of every position of one row."""
        ...


@runtime_checkable
class HostConstraint(Protocol):
    """A constraint that is asked on the host, and the loop that asks it (see `dllm.hosted`)."""

    def take(self, rows: Sequence[int]) -> "HostConstraint":
        """The same for a batch of these rows; a negative number is an empty slot."""
        ...

    def run(self, *arguments: Any, settings: Settings) -> tuple[Row, Memory | None, Any]:
        """`dllm.decode.run` under this constraint, which is not among the arguments."""
        ...


HostArray = Array | np.ndarray


class ClassBits(NamedTuple):
    """A constraint by classes of tokens: what crosses from the host to the device."""

    words: UInt32[HostArray, "batch drafts length words"]
    """Of each position of each draft, the classes that may stand there, as bits."""
    language: Int[HostArray, " batch"]
    """Of each row, the number of its language."""
    classes: Int[HostArray, "languages vocab"]
    """Of each language, the class of every token."""


def expand(classes: Int[HostArray, "languages vocab"], scene: Scene) -> Bool[Array, "window vocab"]:
    """The tokens of a window's classes.

    A token's bits for the whole window lie side by side, so that it is one lookup, of a row. They
    are made once: every reduction over the logits would look each of them up anew.
    """
    assert scene.words is not None
    own = jnp.asarray(classes)[scene.language]
    places = jnp.arange(32, dtype=jnp.uint32)[None, None]
    bits = (scene.words[:, :, None] >> places & 1).astype(jnp.int8)
    by_class = bits.reshape(scene.words.shape[0], -1).T
    return jax.lax.optimization_barrier(by_class[own]).T.astype(bool)


PIECE = 2**28
"""Bytes of float32 logits that a device holds at a time, if the model lets its head be asked."""

Features = tuple[Float[Array, "*items window width"], ...]
"""States (or logits) of a window; with guidance also those for the hidden prompt; with hindsight
then all of these once more, of the window's shadow."""


class Asking(NamedTuple):
    """A model, and how its answers are read."""

    model: Denoiser | Headed
    proposal: Proposal
    constraint: Constraint | ClassBits | None
    needs: frozenset[str]
    settings: Settings

    @property
    def cached(self) -> Cached:
        """The model as one that keeps keys and values; `begin_memory` has refused all others."""
        assert isinstance(self.model, Cached)
        return self.model


class Seen(NamedTuple):
    """What a model has answered, before anything is read off it."""

    starts: Int[Array, " batch"]
    """Where each row's window begins."""
    answers: tuple[Float[Array, "items window width"], ...]
    """States of all drafts' windows, or their logits; with hindsight also the shadows'."""


def look(asking: Asking, rows: Row) -> Prediction:
    """Predictions of every row's drafts; leaves `[batch, drafts, length]`."""
    return predictions(asking, rows, see(asking, rows))


def look_and_remember(asking: Asking, rows: Row) -> tuple[Prediction, Memory]:
    """As `look`, with what the model computed on the way. Rows have one draft, their canvas."""
    seen, memory = see_and_remember(asking, rows)
    return predictions(asking, rows, seen), memory


def look_by_memory(asking: Asking, rows: Row, memory: Memory) -> Prediction:
    """As `look`, but only part of the canvas is computed and the rest taken from memory."""
    return predictions(asking, rows, see_by_memory(asking, rows, memory))


def see(asking: Asking, rows: Row) -> Seen:
    """The model's answer to every row's drafts."""
    ask = asking.model.hidden if isinstance(asking.model, Headed) else asking.model.logits
    starts, width = _full_window(asking, rows)
    asked = (_canvases(asking.proposal, rows), _per_draft(starts, asking, rows), width)
    if "hindsight" not in asking.needs:
        return Seen(starts, (ask(*asked),))
    return Seen(starts, _review(asking, rows, starts, width)(*asked))


def see_and_remember(asking: Asking, rows: Row) -> tuple[Seen, Memory]:
    """As `see`, with what the model computed on the way."""
    starts, width = _full_window(asking, rows)
    canvases = _canvases(asking.proposal, rows)
    answer, kept = asking.cached.remember(canvases, _per_draft(starts, asking, rows), width)
    return Seen(starts, (answer,)), _memory(kept, rows)


def see_by_memory(asking: Asking, rows: Row, memory: Memory) -> Seen:
    """As `see`, but only part of the canvas is computed and the rest taken from memory."""
    settings = asking.settings
    spans = jax.vmap(partial(span_of, settings))(rows, memory.known)
    span = jax.tree.map(lambda leaf: _per_draft(leaf, asking, rows), spans)
    kept = jax.tree.map(lambda leaf: jnp.repeat(leaf, rows.drafts.shape[1], axis=0), memory.kept)
    canvases = _canvases(asking.proposal, rows)
    answer = asking.cached.recall(kept, canvases, span, settings.computed)
    width = settings.computed if "canvas" in asking.needs else settings.window
    return Seen(spans.start, (answer[:, :width],))


def _review(
    asking: Asking, rows: Row, starts: Int[Array, " batch"], width: int
) -> Callable[..., tuple[Array, Array]]:
    """The model's `review` of every row's block."""
    model = asking.model
    if not isinstance(model, Reviewing):
        raise TypeError(
            "decode: the scheduler needs 'hindsight', and so a model with a method review (see "
            f"dllm.Reviewing), got {type(model).__name__}"
        )
    block, at = jax.vmap(place)(rows), starts[:, None] + jnp.arange(width)[None]
    shadowed = (at >= block.start[:, None]) & (at < block.end[:, None])
    return partial(model.review, shadowed=_per_draft(shadowed, asking, rows))


def prefill(asking: Asking, rows: Row) -> Memory:
    """What a full forward computes, for a block-causal cache. Rows have one draft, their canvas."""
    canvases = _canvases(asking.proposal, rows)
    _, kept = asking.cached.remember(canvases, jnp.zeros(canvases.shape[0], jnp.int32), 1)
    return _memory(kept, rows)


def store(asking: Asking, rows: Row, memory: Memory, spans: Span) -> Any:
    """The model's memory with these spans of a block-causal cache computed; rows as `prefill`'s."""
    assert isinstance(asking.model, BlockCausal)
    span = jax.tree.map(lambda leaf: _per_draft(leaf, asking, rows), spans)
    window = block_length(asking.settings)
    return asking.model.store(memory.kept, _canvases(asking.proposal, rows), span, window)


def _memory(kept: Any, rows: Row) -> Memory:
    return Memory(kept, jnp.sum(rows.canvas != VOID, axis=-1, dtype=jnp.int32))


def _full_window(asking: Asking, rows: Row) -> tuple[Int[Array, " batch"], int]:
    """Where a full forward is read at: each row's block, or the whole canvas."""
    if "canvas" in asking.needs:
        return jnp.zeros_like(rows.block), rows.canvas.shape[-1]
    return jax.vmap(lambda row: place(row).start)(rows), asking.settings.window


def _canvases(proposal: Proposal, rows: Row) -> Int[Array, "items length"]:
    """All that one model call looks at; with guidance each draft twice."""
    canvases = rows.drafts[None]
    if proposal.guidance is not None:
        hidden = jnp.where(rows.given[:, None], MASK, rows.drafts)
        canvases = jnp.stack([rows.drafts, hidden])
    return canvases.reshape(-1, rows.drafts.shape[-1])


def _per_draft(leaf: Shaped[Array, " batch *more"], asking: Asking, rows: Row) -> Array:
    """What is known of each row, for each of the canvases it has in a model call."""
    halves = 1 if asking.proposal.guidance is None else 2
    return jnp.concatenate([jnp.repeat(leaf, rows.drafts.shape[1], axis=0)] * halves)


def predictions(asking: Asking, rows: Row, seen: Seen) -> Prediction:
    """What the model's answer says of every draft; leaves `[batch, drafts, length]`."""
    starts, answers = seen
    shape, window = rows.drafts.shape[:2], answers[0].shape[1]
    constraint = asking.constraint
    bits = None
    if isinstance(constraint, ClassBits):
        bits = (jnp.asarray(constraint.words), jnp.asarray(constraint.language))

    def of_draft(
        row: Row, start: Int[Array, ""], bits: tuple[Array, Array] | None, offset: Int[Array, ""]
    ) -> tuple[Scene, Bool[Array, " length"]]:
        canvas = row.drafts[offset]
        at = start + jnp.arange(window)
        key, _ = streams(row.key, row.block, row.step + offset)
        scene = Scene(key, row.total + offset, at, canvas[at])
        if bits is not None:
            scene = scene._replace(words=bits[0][offset, at], language=bits[1])
        elif isinstance(constraint, Constraint):
            scene = scene._replace(allowed=constraint.allowed(canvas)[at])
        visible = _visible(asking, row, canvas) & (jnp.arange(canvas.shape[0]) >= start)
        return scene, visible

    of_row = jax.vmap(of_draft, in_axes=(None, None, None, 0))
    of_batch = jax.vmap(of_row, in_axes=(0, 0, 0, None))
    scenes, visible = of_batch(rows, starts, bits, jnp.arange(shape[1]))
    number = shape[0] * shape[1]
    features: Features = tuple(
        part for answer in answers for part in answer.reshape(-1, number, *answer.shape[1:])
    )
    # Rows and drafts as one axis: XLA's CPU backend reduces `[rows, 1, window, vocab]` many times
    # slower than `[rows, window, vocab]`.
    items = jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), scenes)
    told = _read_all(asking, items, features)
    told = jax.tree.map(lambda leaf: leaf.reshape(*shape, *leaf.shape[1:]), told)
    return jax.vmap(jax.vmap(_spread))(told, scenes.at, visible)


def _read_all(asking: Asking, scenes: Scene, features: Features) -> Prediction:
    """Predictions of all items; the head is asked for as many at a time as fit in `PIECE`."""
    model, proposal = asking.model, asking.proposal
    mesh = mesh_of(model)
    headed = isinstance(model, Headed)
    vocab = (jax.eval_shape(model.head, features[0]) if headed else features[0]).shape[-1]
    shards = vocab_shards(mesh, vocab) if headed else 1
    if isinstance(asking.constraint, ClassBits) and asking.constraint.classes.shape[-1] != vocab:
        raise ValueError(
            f"Languages: must be compiled for the model's {vocab} tokens, got "
            f"{asking.constraint.classes.shape[-1]}"
        )

    def of_item(item: tuple[Scene, Features]) -> Prediction:
        scene, states = item
        logits = [model.head(s) if isinstance(model, Headed) else s for s in states]
        if isinstance(asking.constraint, ClassBits):
            scene = scene._replace(allowed=expand(asking.constraint.classes, scene))
        if "hindsight" not in asking.needs:
            return read(proposal, asking.needs, scene, _guided(proposal, logits), shards)
        half = len(logits) // 2
        prediction = read(proposal, asking.needs, scene, _guided(proposal, logits[:half]), shards)
        behind = hindsight(proposal, scene, _guided(proposal, logits[half:]), shards)
        return prediction._replace(log_hindsight=behind)

    number, window = scenes.at.shape
    if not isinstance(model, Headed):
        return jax.vmap(of_item)((scenes, features))
    room = PIECE * shards * (1 if mesh is None else mesh.shape[RULES["rows"]])
    fitting = max(1, room // (4 * vocab * len(features)))  # positions
    if number * window <= fitting:
        return jax.vmap(of_item)((scenes, features))
    cuts = next(n for n in range(1, window + 1) if window % n == 0 and window // n <= fitting)
    pieces = _cut(scenes, features, cuts)
    batch_size = min(max(1, fitting // (window // cuts)), number * cuts)
    predictions = jax.lax.map(of_item, pieces, batch_size=batch_size)
    return jax.tree.map(lambda leaf: leaf.reshape(number, window, *leaf.shape[2:]), predictions)


def _guided(proposal: Proposal, logits: list[Array]) -> Array:
    if proposal.guidance is None:
        return logits[0]
    return guide(logits[0], logits[1], proposal.guidance)


def _cut(scenes: Scene, features: Features, cuts: int) -> tuple[Scene, tuple[Array, ...]]:
    """Every window in so many equal pieces, as items of their own."""

    def cut(leaf: Array) -> Array:
        return leaf.reshape(leaf.shape[0] * cuts, -1, *leaf.shape[2:])

    whole = {"key": scenes.key, "total": scenes.total, "language": scenes.language}
    windows = jax.tree.map(cut, scenes._replace(**dict.fromkeys(whole)))
    again = jax.tree.map(lambda leaf: jnp.repeat(leaf, cuts), whole)
    return windows._replace(**again), jax.tree.map(cut, features)


def _visible(asking: Asking, row: Row, canvas: Int[Array, " length"]) -> Bool[Array, " length"]:
    """Positions a rule is told about; they must not depend on how long the window happens to be."""
    exists = canvas != VOID
    if "canvas" in asking.needs:
        return exists
    at, (start, end) = jnp.arange(canvas.shape[0]), scope(asking.settings, row)
    return exists & (at >= start) & (at < end)


def _spread(
    prediction: Prediction, at: Int[Array, " window"], visible: Bool[Array, " length"]
) -> Prediction:
    """A window's prediction on the whole canvas; probabilities are 0 where it says nothing."""
    length = visible.shape[0]
    target = jnp.where((at < length) & visible[jnp.minimum(at, length - 1)], at, length)

    def spread(path: tuple, leaf: Array) -> Array:
        blank = jnp.full((length, *leaf.shape[1:]), unseen(path), leaf.dtype)
        return blank.at[target].set(leaf, mode="drop")

    return jax.tree.map_with_path(spread, prediction)
