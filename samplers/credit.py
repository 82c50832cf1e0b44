"""CreditDecoding: tokens that keep being proposed are believed sooner."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from samplers.base import Canvas, Prediction, View
from samplers.distributions import log_probs_of, reread
from samplers.pytree import part, require, static
from samplers.ranking import holes
from samplers.values import Real
from samplers.vocab import argmax


@part
class Credit:
    """A revision: log probabilities plus a bonus for what was proposed in earlier steps.

    Every step, the likeliest token v of each undecided position of the block earns its probability
    to the power of `boost_gamma`; what was earned before is scaled by `decay_beta`, and forgotten
    when a block begins. The rule is shown the distribution softmax(log p + credit_alpha *
    log(1 + earned)) and its likeliest token, also at temperature > 0. `vocab` is the number of the
    model's tokens, a size. Wang et al. 2025, https://arxiv.org/abs/2510.06133.
    """

    needs = frozenset({"log_probs"})
    vocab: int = static()
    credit_alpha: Real = 0.7
    boost_gamma: Real = 0.2
    decay_beta: Real = 0.8

    def __post_init__(self) -> None:
        require("Credit", "vocab", self.vocab, 2)
        require("Credit", "credit_alpha", self.credit_alpha, 0.0)
        require("Credit", "boost_gamma", self.boost_gamma, 0.0)
        require("Credit", "decay_beta", self.decay_beta, 0.0, 1.0)

    def init(self, canvas: Canvas) -> Float[Array, "length vocab"]:
        """What each token has earned at each position."""
        return jnp.zeros((canvas.shape[0], self.vocab), jnp.float32)

    def __call__(
        self, memory: Float[Array, "length vocab"], view: View
    ) -> tuple[Prediction, Float[Array, "length vocab"]]:
        log_probs = log_probs_of("Credit", self.vocab, view)
        likeliest = argmax(log_probs)
        decay = jnp.asarray(self.decay_beta, jnp.float32)
        earned = jnp.where(view.place.step == 0, 0, memory * decay)
        earned = earned + self._boost(view, log_probs, likeliest)
        fused = log_probs + jnp.asarray(self.credit_alpha, jnp.float32) * jnp.log1p(earned)
        return reread(view.prediction, fused), earned

    def _boost(
        self, view: View, log_probs: Float[Array, "length vocab"], likeliest: Int[Array, " length"]
    ) -> Float[Array, "length vocab"]:
        gamma = jnp.asarray(self.boost_gamma, jnp.float32)
        best = jnp.take_along_axis(log_probs, likeliest[:, None], axis=-1)[:, 0]
        boost = jnp.exp(gamma * best)
        open_ = holes(view.canvas, view.place) & view.prediction.seen
        hit = jax.nn.one_hot(likeliest, self.vocab, dtype=jnp.float32)
        return hit * jnp.where(open_, boost, 0)[:, None]
