"""Learn2PD: a small trained filter says which tokens need no second look, and EoTP cuts rows short.

Bao et al. 2025, "Learning to Parallel: Accelerating Diffusion Large Language Models via Adaptive
Parallel Decoding", https://arxiv.org/abs/2509.25188. The parts go with any score and budget.
"""

from typing import Any, ClassVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from samplers.base import MASK, VOID, Budget, Canvas, Scalar, View
from samplers.filter import Filter
from samplers.parts import as_part, ask, start
from samplers.pytree import part, require, static
from samplers.ranking import first, in_block, index, rank
from samplers.values import Real, Whole

SCOPES = ("row", "block")


@part
class Accepted:
    """The undecided positions of the block that the filter is sure of: probability above `tau`.

    The filter sees the confidence of every position of the block, decided or not. It knows nothing
    of positions beyond its width.
    """

    filter: Filter
    tau: Real = 0.96

    def __post_init__(self) -> None:
        require("Accepted", "tau", self.tau, 0.0, 1.0)

    def __call__(self, view: View) -> Bool[Array, " length"]:
        at = view.place.start + jnp.arange(self.filter.width)
        inside = in_block(view.canvas, view.place) & (view.canvas != VOID)
        shown = jnp.where(inside, view.prediction.confidence, 0)
        logits = self.filter(shown.at[at].get(mode="fill", fill_value=0))
        sure = jax.nn.sigmoid(logits) > jnp.asarray(self.tau, jnp.float32)
        sure = jnp.zeros(view.canvas.shape, bool).at[at].set(sure, mode="drop")
        return sure & inside & view.eligible


@part
class FilterOrTopK:
    """What the filter accepts, and the best positions, as many as the budget says."""

    reads: ClassVar[str] = "order"
    accepted: Accepted

    def __call__(
        self, view: View, scores: Float[Array, " length"], budget: Scalar
    ) -> Bool[Array, " length"]:
        return self.accepted(view) | (rank(scores, view.eligible) < budget)


@part
class AtLeast:
    """A schedule as the least that steps write: always one token, and no end of its own."""

    schedule: Budget

    def __post_init__(self) -> None:
        object.__setattr__(self, "schedule", as_part("AtLeast: schedule", self.schedule))

    def init(self, canvas: Canvas) -> Any:
        return start(self.schedule, canvas)

    def __call__(self, memory: Any, view: View) -> tuple[Scalar, Any]:
        tokens, memory = ask(self.schedule, memory, view)
        return jnp.maximum(tokens, 1), memory


@part
class CutAtPredicted:
    """EoTP as published: the row ends behind an end-of-text token that is merely predicted.

    Behind the first that `accepted` accepts in this step; if there is none, behind the most
    confident one predicted at any undecided position, also of later blocks. What is cut off becomes
    `VOID`: later forwards are shorter. The position itself may yet be decided otherwise. The
    versions over a cache only look into the block: `scope="block"`.
    """

    eos: Whole
    accepted: Accepted | None = None
    scope: str = static(default="row")

    def __post_init__(self) -> None:
        require("CutAtPredicted", "eos", self.eos, 0)
        if self.scope not in SCOPES:
            raise ValueError(f"CutAtPredicted: scope must be one of {SCOPES}, got {self.scope!r}")

    @property
    def needs(self) -> frozenset[str]:
        """Predictions of later blocks, if they matter."""
        return frozenset({"canvas"} if self.scope == "row" else ())

    def __call__(self, view: View, canvas: Canvas) -> Canvas:
        length = canvas.shape[0]
        predicted = self._predicted(view)
        best = jnp.argmax(jnp.where(predicted, view.prediction.log_confidence, -jnp.inf))
        last = jnp.where(jnp.any(predicted), best.astype(jnp.int32), length)
        if self.accepted is not None:
            accepted = predicted & self.accepted(view)
            last = jnp.where(jnp.any(accepted), first(accepted), last)
        return cut_behind(canvas, last)

    def _predicted(self, view: View) -> Bool[Array, " length"]:
        """Undecided positions of the answer where the model proposes an end of text."""
        ends = view.prediction.tokens == jnp.asarray(self.eos, jnp.int32)
        open_ = (view.canvas == MASK) & view.prediction.seen & view.prediction.allowed
        near = in_block(view.canvas, view.place) if self.scope == "block" else True
        return ends & open_ & (index(view.canvas) >= view.place.prompt) & near


@part
class CutAtDecoded:
    """EoTP as described: once an end-of-text token stands in the answer, all behind it is cut."""

    eos: Whole

    def __post_init__(self) -> None:
        require("CutAtDecoded", "eos", self.eos, 0)

    def __call__(self, view: View, canvas: Canvas) -> Canvas:
        eos = jnp.asarray(self.eos, canvas.dtype)
        return cut_behind(canvas, first((canvas == eos) & (index(canvas) >= view.place.prompt)))


@part
class NothingOpen:
    """Leaves when nothing is undecided in all the row, whatever the schedule has left."""

    def __call__(self, view: View, canvas: Canvas) -> Bool[Array, ""]:
        del view
        return ~jnp.any(canvas == MASK)


def cut_behind(canvas: Canvas, last: Int[Array, ""]) -> Canvas:
    """The row up to and with a position; nothing exists behind it."""
    return jnp.where(index(canvas) > last, VOID, canvas)
