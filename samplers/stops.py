"""Stops: whether to leave the block now, though it is not filled."""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool

from samplers.base import Canvas, Stop, View
from samplers.parts import as_part, ask, needs, start
from samplers.pytree import part


@part
class AnyOf:
    """Leaves as soon as one of several stops says so."""

    stops: tuple[Stop, ...]

    def __post_init__(self) -> None:
        stops = tuple(as_part("AnyOf: stop", stop) for stop in self.stops)
        object.__setattr__(self, "stops", stops)

    @property
    def needs(self) -> frozenset[str]:
        """What its stops need."""
        return frozenset().union(*map(needs, self.stops))

    def init(self, canvas: Canvas) -> Any:
        return tuple(start(stop, canvas) for stop in self.stops)

    def __call__(self, memory: Any, view: View, canvas: Canvas) -> tuple[Bool[Array, ""], Any]:
        keys = jax.random.split(view.key, len(self.stops))
        answers = [
            ask(stop, own, view._replace(key=key), canvas)
            for stop, own, key in zip(self.stops, memory, keys, strict=True)
        ]
        stopped = jnp.stack([jnp.asarray(said) for said, _ in answers])
        return jnp.any(stopped), tuple(kept for _, kept in answers)
