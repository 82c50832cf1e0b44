"""DUS: positions far apart are written together, then those between them.

Luxembourg et al. 2025, "Plan for Speed: Dilated Scheduling for Masked Diffusion Language Models",
https://arxiv.org/abs/2506.19037.
"""

from typing import ClassVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from samplers.base import Place, Scalar, View
from samplers.pytree import part, require
from samplers.ranking import index, reaches
from samplers.values import Real, Whole


@part
class Dilated:
    """Step t = 1, 2, ... of a block of B writes every floor(B / base^t)-th position of it.

    So a block takes about log(B) to the `base` steps, whatever the model says. Tokens less likely
    than `remasking_threshold` are left for a later step, until the stride is 1 and all are written.
    """

    budgeted: ClassVar[bool] = False
    reads: ClassVar[str] = "probabilities"
    base: Whole = 2
    remasking_threshold: Real = 0.3

    def __post_init__(self) -> None:
        require("Dilated", "base", self.base, 2)
        require("Dilated", "remasking_threshold", self.remasking_threshold, 0.0, 1.0)

    def __call__(
        self, view: View, scores: Float[Array, " length"], budget: Scalar
    ) -> Bool[Array, " length"]:
        del budget
        place = view.place
        apart = self.stride(place)
        on_grid = (index(view.canvas) - place.start) % apart == 0
        return (on_grid & reaches(scores, self.remasking_threshold)) | (apart == 1)

    def stride(self, place: Place) -> Scalar:
        """How far apart the positions of this step are."""
        base = jnp.asarray(self.base, jnp.int32)
        length = place.end - place.start
        apart = jax.lax.fori_loop(0, place.step + 1, lambda _, far: far // base, length)
        return jnp.maximum(apart, 1)
