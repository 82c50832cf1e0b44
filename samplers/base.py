"""The contract between the decoding loop and a scheduler. Read this file first.

A scheduler looks at one row: the canvas, and what the model predicts for it. It answers with the
next canvas. It never sees a batch axis, the model, a cache or a grammar; the loop maps it over rows
(and over drafts) with `jax.vmap`. Everything a scheduler needs to know about *where* it is comes in
a `Place`, as traced integers, so that one compiled program serves every block layout.
"""

from collections.abc import Callable
from typing import Any, Final, NamedTuple, Protocol, runtime_checkable

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

MASK: Final = -1
"""An undecided position. A model's own mask id never appears on a canvas."""

VOID: Final = -2
"""No such position (padding, cut off): never attended, predicted or written."""

LOG_ZERO: Final = -1e9
"""What stands for the logarithm of 0: its exponential is 0, and no arithmetic on it makes NaN."""

Canvas = Int[Array, " length"]
"""Token ids of one row, `MASK` where undecided, `VOID` where the row does not exist."""

Scalar = Int[Array, ""]

NEEDS: Final = frozenset({"canvas", "log_probs", "own", "hindsight"})
"""What a scheduler may ask for beyond the default `Prediction` (its `needs`).

`canvas`: predictions of the whole canvas, not of the block alone. `log_probs`, `own`: those leaves.
`hindsight`: `log_hindsight`, for which a model needs `review` (`dllm.Reviewing`).
"""


class Prediction(NamedTuple):
    """What the model says of each position of one row, from one forward.

    Leaves cover the whole canvas. Where `seen` is false this forward did not look: probabilities
    are 0 and so is every other leaf. Decided positions are predicted too: some rules read them.

    Confidence and margin are kept as logarithms. Decoding happens near probability 1, where float32
    has nothing left to tell apart (1 - 1e-8 is 1); their logarithms rank as float64 does.
    """

    tokens: Int[Array, " length"]
    """The token proposed at each position."""
    log_confidence: Float[Array, " length"]
    """Log probability of `tokens`; finite, at least `LOG_ZERO`."""
    log_margin: Float[Array, " length"]
    """Log of (probability of the likeliest token - that of the runner-up); at least `LOG_ZERO`."""
    gap: Float[Array, " length"]
    """Logit of the likeliest token minus that of the runner-up, before temperature and filters."""
    entropy: Float[Array, " length"]
    """Entropy in nats."""
    seen: Bool[Array, " length"]
    """Whether this forward looked at the position."""
    allowed: Bool[Array, " length"]
    """Whether any token may be written here; false where a constraint leaves none."""
    log_probs: Float[Array, "length vocab"] | None = None
    """The whole distribution; only with `needs = {"log_probs"}`."""
    own: Float[Array, " length"] | None = None
    """The probability of the token that stands here now; only with `needs = {"own"}`."""
    log_hindsight: Float[Array, " length"] | None = None
    """Log probability of the token that stands here, as predicted with this one token hidden; only
    in the block and with `needs = {"hindsight"}`. `LOG_ZERO` where nothing stands."""

    @property
    def confidence(self) -> Float[Array, " length"]:
        """The probability of `tokens`."""
        return jnp.exp(self.log_confidence)

    @property
    def margin(self) -> Float[Array, " length"]:
        """Probability of the likeliest token minus that of the runner-up."""
        return jnp.exp(self.log_margin)


def unseen(path: tuple[Any, ...]) -> int | float:
    """What a leaf of a prediction, of this path in the tree, holds where nobody looked."""
    return LOG_ZERO if path[0].name.startswith("log_") else 0


class Place(NamedTuple):
    """Where a row stands. The block being decoded is `[start, end)`; all fields are traced ints."""

    prompt: Scalar
    """Length of the prompt."""
    start: Scalar
    end: Scalar
    block: Scalar
    """Index of the block, from 0."""
    blocks: Scalar
    """Number of blocks of this row."""
    step: Scalar
    """Steps already taken in this block."""
    total: Scalar
    """Steps already taken in all blocks."""


class Move(NamedTuple):
    """A scheduler's answer: the next canvas, its next state, and whether to leave the block."""

    canvas: Canvas
    state: Any
    done: Bool[Array, ""]
    stopped: Bool[Array, ""] | bool = False
    """The block was given up, not finished: `reference_calls` spends nothing more on it."""


@runtime_checkable
class Scheduler(Protocol):
    """Decides what is written after each forward.

    A frozen pytree whose leaves are hyper-parameters (see `samplers.pytree.scheduler`), so that a
    sweep over their values runs one compiled program. Three more attributes are optional:

    * `init(canvas) -> state`: the state of a fresh row (default: none). It lives across blocks.
    * `needs`: a subset of `NEEDS`, known before tracing.
    * `plan(place)`: the number of steps that a fixed schedule spends in the block (0: no schedule).
    """

    def update(
        self, key: PRNGKeyArray, state: Any, canvas: Canvas, prediction: Prediction, place: Place
    ) -> Move:
        """One step. Draws random numbers from `key` only, so that a row is reproducible."""
        ...


class View(NamedTuple):
    """What every part of a combined rule sees of one row in one step."""

    key: PRNGKeyArray
    canvas: Canvas
    prediction: Prediction
    place: Place
    eligible: Bool[Array, " length"]
    """Positions this step may write: undecided, seen, allowed and within the rule's reach."""


@runtime_checkable
class Remembering(Protocol):
    """A part with a memory: called with it in front, it returns a pair (answer, memory)."""

    def init(self, canvas: Canvas) -> Any:
        """The memory of a fresh row."""
        ...

    def __call__(self, *args: Any, **kwargs: Any) -> tuple[Any, Any]: ...


# The parts of `samplers.combine.combine`: frozen pytrees that are called as below.
Score = Callable[[View], Float[Array, " length"]] | Remembering
"""How sure the rule is of each position, as a log probability where it is one; higher is written
sooner. Finite everywhere: who may be written at all is `eligible`'s business. A score that is no
log probability has the class attribute `probability = False`; selections that compare with
probabilities refuse it. `linear(scores)` gives the scores in the scale they were published in, for
drawing in proportion to them (default: the exponential)."""

Revise = Callable[[View], Prediction] | Remembering
"""What the rule is to be told in place of the model's prediction, from a view with nothing left out
of `eligible` that the block has."""

Budget = Callable[[View], Scalar] | Remembering
"""How many positions this step should write. A fixed schedule also has `plan(place)`; one that goes
on though the block is filled, because tokens will be taken back, says `spends = True`."""

Select = Callable[[View, Float[Array, " length"], Scalar], Bool[Array, " length"]] | Remembering
"""Which positions to write, from (view, scores, budget). Class attributes say what one makes of
them: `budgeted = False` decides by itself how many, so a budget beside it is refused;
`reads = "probabilities"` needs a score that is one, `reads = "nothing"` refuses any score (default:
`"order"`)."""

Override = Callable[[View, Canvas], Canvas] | Remembering
"""A last word on the canvas that the rule made: early commits, early stops."""

Stop = Callable[[View, Canvas], Bool[Array, ""]] | Remembering
"""Whether to leave the block now, though it is not filled, given the canvas after this step."""
