"""EB-sampler: as many tokens at once as their joint uncertainty allows.

Ben-Hamu et al. 2025, "Accelerated Sampling from Masked Diffusion Models via Entropy Bounded
Unmasking", https://arxiv.org/abs/2505.24857.
"""

from typing import ClassVar, Final

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from samplers.base import Scalar, View
from samplers.pytree import part, require, static
from samplers.ranking import rank
from samplers.values import Real

_WITHOUT: Final = ("largest", "last")


@part
class EntropyBound:
    """The longest run of best positions whose entropies but for one add up to at most `gamma`.

    Left out is the largest of them; as d2Cache ships it, the last (`without="last"`). That is the
    same where the order is that of the entropies; by another score it lets more through.
    """

    budgeted: ClassVar[bool] = False
    gamma: Real = 0.001
    without: str = static(default="largest")

    def __post_init__(self) -> None:
        require("EntropyBound", "gamma", self.gamma, 0.0)
        if self.without not in _WITHOUT:
            raise ValueError(
                f"EntropyBound: without must be one of {_WITHOUT}, got {self.without!r}"
            )

    def __call__(
        self, view: View, scores: Float[Array, " length"], budget: Scalar
    ) -> Bool[Array, " length"]:
        del budget
        ranks = rank(scores, view.eligible)
        entropies = by_rank(view, ranks)
        passed = self._sums(entropies) <= jnp.asarray(self.gamma, jnp.float32)
        return ranks < jnp.sum(jnp.cumprod(passed.at[0].set(True), dtype=jnp.int32))

    def _sums(self, entropies: Float[Array, " length"]) -> Float[Array, " length"]:
        """Of the entropies up to each rank, but for the one that is left out."""
        sums = jnp.cumsum(entropies)
        if self.without == "largest":
            return sums - jax.lax.cummax(entropies)
        return jnp.concatenate([jnp.zeros(1), sums[:-1]])


def by_rank(view: View, ranks: Array) -> Float[Array, " length"]:
    """The entropies of eligible positions from rank 0 on, then 0."""
    own = jnp.where(view.eligible, view.prediction.entropy, 0)
    return jnp.zeros_like(own).at[ranks].set(own)
