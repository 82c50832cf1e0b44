"""Scores: how sure a rule is of each position, as log probabilities. Higher is written sooner."""

from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from samplers.base import LOG_ZERO, Canvas, Score, View
from samplers.parts import ask, needs, start
from samplers.pytree import part, require
from samplers.ranking import index, uniform


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
    """Negative entropy (Dream `entropy`)."""

    def __call__(self, view: View) -> Float[Array, " length"]:
        return -view.prediction.entropy


@part
class LeftToRight:
    """Earlier positions first."""

    def __call__(self, view: View) -> Float[Array, " length"]:
        return -index(view.canvas).astype(jnp.float32)


@part
class Random:
    """A fresh uniform draw a position and step (LLaDA `remasking="random"`)."""

    draws: ArrayLike | None = None
    """Recorded draws `[steps, length]` to replay instead, by the step's number in the row."""

    def __call__(self, view: View) -> Float[Array, " length"]:
        return jnp.maximum(jnp.log(draw(self.draws, view)), LOG_ZERO)


@part
class Tempered:
    """A score as a probability, over a temperature, plus Gumbel noise (Dream `alg_temp`).

    The k best of it are k draws without replacement from softmax(exp(score) / temperature).
    """

    score: Score
    temperature: ArrayLike

    def __post_init__(self) -> None:
        require("Tempered", "temperature", self.temperature, 1e-6)

    @property
    def needs(self) -> frozenset[str]:
        """What the score needs."""
        return needs(self.score)

    def init(self, canvas: Canvas) -> Any:
        return start(self.score, canvas)

    def __call__(self, memory: Any, view: View) -> tuple[Float[Array, " length"], Any]:
        scores, memory = ask(self.score, memory, view)
        noise = -jnp.log(-jnp.log(uniform(view.key, view.canvas.shape[0]) + 1e-20) + 1e-20)
        temperature = jnp.asarray(self.temperature, jnp.float32)
        return jnp.exp(scores) / temperature + noise, memory


def draw(recorded: ArrayLike | None, view: View) -> Float[Array, " length"]:
    """This step's uniform draws: recorded ones if given, else fresh ones."""
    if recorded is None:
        return uniform(view.key, view.canvas.shape[0])
    return jnp.asarray(recorded, jnp.float32)[view.place.total]
