"""EOSER and ASS: end-of-text is believed late, and steps grow.

Yang et al. 2025, "Taming Masked Diffusion Language Models via Consistency Trajectory Reinforcement
Learning with Fewer Decoding Step", https://arxiv.org/abs/2509.23924.
"""

from typing import Any, Final

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from samplers.base import LOG_ZERO, VOID, Canvas, Scalar, Score, View
from samplers.parts import as_part, ask, needs, start
from samplers.pytree import part, require, static
from samplers.ranking import count
from samplers.values import Real, Whole

_RAMPS: Final = ("row", "block", "doubling")


@part
class Eoser:
    """A score whose probabilities of proposed end-of-text tokens are scaled by a rising factor.

    The factor goes from `eos_min_gamma` to `eos_max_gamma`. `ramp="row"`: evenly over `max_steps`
    steps of the row. `"block"`: the same, but every block begins anew, as the published code counts
    (in several blocks its factor never gets to the end). `"doubling"`: by the share of the answer
    that ASS has written after the step, (2^(i+1) - 1) / 2^S, whatever `max_steps` says.
    """

    score: Score
    eos: Whole
    max_steps: Whole = 128
    eos_min_gamma: Real = 0.4
    eos_max_gamma: Real = 1.0
    ramp: str = static(default="row")

    def __post_init__(self) -> None:
        object.__setattr__(self, "score", as_part("Eoser: score", self.score))
        require("Eoser", "eos", self.eos, 0)
        require("Eoser", "max_steps", self.max_steps, 1)
        require("Eoser", "eos_min_gamma", self.eos_min_gamma, 0.0, 1.0)
        require("Eoser", "eos_max_gamma", self.eos_max_gamma, 0.0, 1.0)
        if self.ramp not in _RAMPS:
            raise ValueError(f"Eoser: ramp must be one of {_RAMPS}, got {self.ramp!r}")
        if not getattr(self.score, "probability", True):
            got = type(self.score).__name__
            raise ValueError(f"Eoser: score must be a log probability, and {got} gives none")

    @property
    def needs(self) -> frozenset[str]:
        """What the score needs."""
        return needs(self.score)

    def init(self, canvas: Canvas) -> Any:
        return start(self.score, canvas)

    def __call__(self, memory: Any, view: View) -> tuple[Float[Array, " length"], Any]:
        scores, memory = ask(self.score, memory, view)
        low, high = (jnp.asarray(g, jnp.float32) for g in (self.eos_min_gamma, self.eos_max_gamma))
        scale = jnp.maximum(jnp.log(low + (high - low) * self.risen(view)), LOG_ZERO)
        ends = view.prediction.tokens == jnp.asarray(self.eos, jnp.int32)
        return jnp.maximum(scores + jnp.where(ends, scale, 0), LOG_ZERO), memory

    def risen(self, view: View) -> Float[Array, ""]:
        """How far the factor has come, from 0 to 1."""
        if self.ramp == "doubling":
            written = jnp.left_shift(2, jnp.minimum(view.place.total, 29)) - 1
            return jnp.minimum(written / jnp.left_shift(1, doublings(view)), 1)
        steps = jnp.asarray(self.max_steps, jnp.int32)
        step = view.place.total if self.ramp == "row" else view.place.step
        share = jnp.minimum(step, steps - 1) / jnp.maximum(steps - 1, 1)
        return jnp.where(steps > 1, share, 1)


@part
class Ascending:
    """ASS: step i of the row writes 2^i positions, step floor(log2 answer) - 1 all that are left.

    Steps are counted through blocks. It was published for those of `ascending_blocks`, each of
    which is filled by its last step.
    """

    def __call__(self, view: View) -> Scalar:
        step = jnp.minimum(view.place.total, 30)
        return jnp.where(step >= doublings(view) - 1, view.canvas.shape[0], jnp.left_shift(1, step))


def ascending_blocks(gen_length: int, block_num: int) -> list[int]:
    """The lengths of the blocks that ASS decodes an answer in, each twice as long as the last.

    The first takes what the others leave, and with it all steps but one of each other block.
    """
    steps = gen_length.bit_length() - 1
    require("ascending_blocks", "gen_length", gen_length, 2)
    require("ascending_blocks", "block_num", block_num, 1, steps)
    if block_num == 1:
        return [gen_length]
    between = [2**step for step in range(steps - block_num + 1, steps - 1)]
    return [2 ** (steps - block_num + 1) - 1, *between, gen_length + 1 - 2 ** (steps - 1)]


def doublings(view: View) -> Scalar:
    """floor(log2) of the answer's length."""
    answer: ArrayLike = count(view.canvas != VOID) - view.place.prompt
    return 31 - jax.lax.clz(jnp.maximum(answer, 1))
