"""Scores: how sure a rule is of each position, as log probabilities. Higher is written sooner."""

from typing import Any, ClassVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from samplers.base import LOG_ZERO, Canvas, Score, View
from samplers.parts import as_part, ask, needs, start
from samplers.pytree import part, require
from samplers.ranking import index, uniform
from samplers.values import Real


@part
class Confidence:
    """The probability of the proposed token (LLaDA's low-confidence remasking, Dream maskgit)."""

    def __call__(self, view: View) -> Float[Array, " length"]:
        return view.prediction.log_confidence


@part
class Margin:
    """Likeliest minus runner-up probability (Dream `topk_margin`)."""

    def __call__(self, view: View) -> Float[Array, " length"]:
        return view.prediction.log_margin


@part
class Entropy:
    """Negative entropy (Dream `entropy`); its exponential is one over the perplexity."""

    def linear(self, scores: Float[Array, " length"]) -> Float[Array, " length"]:
        """Dream publishes the negative entropy itself."""
        return scores

    def __call__(self, view: View) -> Float[Array, " length"]:
        return -view.prediction.entropy


@part
class LeftToRight:
    """Earlier positions first."""

    probability: ClassVar[bool] = False

    def linear(self, scores: Float[Array, " length"]) -> Float[Array, " length"]:
        """The exponential of a far position's number is 0 and would rank no more."""
        return scores

    def __call__(self, view: View) -> Float[Array, " length"]:
        return -index(view.canvas).astype(jnp.float32)


@part
class Random:
    """A fresh uniform draw a position and step (LLaDA `remasking="random"`)."""

    probability: ClassVar[bool] = False
    draws: ArrayLike | None = None
    """Recorded draws `[steps, length]` to replay instead, by the step's number in the row."""

    def __call__(self, view: View) -> Float[Array, " length"]:
        return jnp.maximum(jnp.log(draw(self.draws, view)), LOG_ZERO)


@part
class Tempered:
    """A score as it was published, over a temperature, plus Gumbel noise (Dream `alg_temp`).

    The k best of it are k draws without replacement from softmax(published score / temperature).
    """

    probability: ClassVar[bool] = False
    score: Score
    temperature: Real

    def __post_init__(self) -> None:
        object.__setattr__(self, "score", as_part("Tempered: score", self.score))
        require("Tempered", "temperature", self.temperature, 1e-6)

    @property
    def needs(self) -> frozenset[str]:
        """What the score needs."""
        return needs(self.score)

    def init(self, canvas: Canvas) -> Any:
        return start(self.score, canvas)

    def __call__(self, memory: Any, view: View) -> tuple[Float[Array, " length"], Any]:
        own, key = jax.random.split(view.key)  # a random score must not draw the noise's numbers
        scores, memory = ask(self.score, memory, view._replace(key=own))
        linear = getattr(self.score, "linear", jnp.exp)(scores)
        noise = -jnp.log(-jnp.log(uniform(key, view.canvas.shape[0]) + 1e-20) + 1e-20)
        return linear / jnp.asarray(self.temperature, jnp.float32) + noise, memory

    def linear(self, scores: Float[Array, " length"]) -> Float[Array, " length"]:
        """Already in the published scale."""
        return scores


def draw(recorded: ArrayLike | None, view: View) -> Float[Array, " length"]:
    """This step's uniform draws: recorded ones if given, else fresh ones."""
    if recorded is None:
        return uniform(view.key, view.canvas.shape[0])
    return jnp.asarray(recorded, jnp.float32)[view.place.total]
