"""KLASS: positions whose distribution has come to rest.

Kim et al. 2025, "KLASS: KL-Guided Fast Inference in Masked Diffusion Models",
https://arxiv.org/abs/2511.05664.
"""

from typing import ClassVar, Final, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from samplers.base import Canvas, Scalar, View
from samplers.distributions import log_probs_of
from samplers.pytree import part, require, static
from samplers.ranking import exceeds, in_block, rank
from samplers.values import Real, Whole

_STRATEGIES: Final = ("all", "max_conf", "min_kl")
_TINY: Final = 1e-12


class Watched(NamedTuple):
    """What is remembered of each position of the row, through all blocks."""

    probabilities: Float[Array, "length vocab"]
    calm: Int[Array, " length"]
    """For how many steps running the distribution has hardly moved."""


@part
class Klass:
    """Positions that are sure and calm; where there is none, the best within the budget.

    Calm is a position whose last `kl_history_length` divergences KL(p_t || p_(t-1)) were all below
    `kl_threshold`, not counting steps before this block's; sure is one with a confidence above
    `conf_threshold`. All of them are written, or by `unmask_strategy` only the surest (`max_conf`)
    or the calmest (`min_kl`). `vocab` is the number of the model's tokens, a size.
    """

    needs = frozenset({"canvas", "log_probs"})
    reads: ClassVar[str] = "order"
    vocab: int = static()
    conf_threshold: Real = 0.9
    kl_threshold: Real = 0.01
    kl_history_length: Whole = 2
    unmask_strategy: str = static(default="all")

    def __post_init__(self) -> None:
        require("Klass", "vocab", self.vocab, 2)
        require("Klass", "conf_threshold", self.conf_threshold, 0.0, 1.0)
        require("Klass", "kl_threshold", self.kl_threshold, 0.0)
        require("Klass", "kl_history_length", self.kl_history_length, 1)
        if self.unmask_strategy not in _STRATEGIES:
            got = self.unmask_strategy
            raise ValueError(f"Klass: unmask_strategy must be one of {_STRATEGIES}, got {got!r}")

    def init(self, canvas: Canvas) -> Watched:
        shape = (canvas.shape[0], self.vocab)
        return Watched(jnp.zeros(shape, jnp.float32), jnp.zeros(shape[:1], jnp.int32))

    def __call__(
        self, memory: Watched, view: View, scores: Float[Array, " length"], budget: Scalar
    ) -> tuple[Bool[Array, " length"], Watched]:
        probabilities = jnp.exp(log_probs_of("Klass", self.vocab, view))
        moved = divergence(probabilities, memory.probabilities)
        calm = jnp.where(moved < jnp.asarray(self.kl_threshold, jnp.float32), memory.calm + 1, 0)
        ready = self._narrow(view, self._ready(view, calm), moved)
        chosen = jnp.where(jnp.any(ready), ready, rank(scores, view.eligible) < budget)
        seen = view.prediction.seen
        probabilities = jnp.where(seen[:, None], probabilities, memory.probabilities)
        return chosen, Watched(probabilities, jnp.where(seen, calm, memory.calm))

    def _ready(self, view: View, calm: Int[Array, " length"]) -> Bool[Array, " length"]:
        history = jnp.asarray(self.kl_history_length, jnp.int32)
        sure = exceeds(view.prediction.log_confidence, self.conf_threshold)
        inside = view.eligible & in_block(view.canvas, view.place)
        return inside & sure & (calm >= history) & (view.place.step + 1 >= history)

    def _narrow(
        self, view: View, ready: Bool[Array, " length"], moved: Float[Array, " length"]
    ) -> Bool[Array, " length"]:
        if self.unmask_strategy == "all":
            return ready
        surest = self.unmask_strategy == "max_conf"
        return ready & (rank(view.prediction.log_confidence if surest else -moved, ready) == 0)


@part
class Unsure:
    """The highest entropy first: KLASS's `alg="entropy"` as published, whose sign is wrong."""

    probability: ClassVar[bool] = False

    def linear(self, scores: Float[Array, " length"]) -> Float[Array, " length"]:
        """The published score is the entropy itself."""
        return scores

    def __call__(self, view: View) -> Float[Array, " length"]:
        return view.prediction.entropy


def divergence(
    now: Float[Array, "length vocab"], before: Float[Array, "length vocab"]
) -> Float[Array, " length"]:
    """KL(now || before) of each position, with the published 1e-12 in both logarithms."""
    return jnp.sum(now * (jnp.log(now + _TINY) - jnp.log(before + _TINY)), axis=-1)
