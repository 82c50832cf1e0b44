"""How the parts of a rule are asked: with or without a memory, a plan, needs."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Bool

from samplers.base import Canvas, Place, Scalar
from samplers.pytree import refuse_unknown_needs


def ask(part: Callable[..., Any], memory: Any, *arguments: Any) -> tuple[Any, Any]:
    """A part's answer and its next memory; only parts with an `init` have one."""
    if hasattr(part, "init"):
        return part(memory, *arguments)
    return part(*arguments), memory


def start(part: Any, canvas: Canvas) -> Any:
    """A part's first memory, or a rule's state of a fresh row."""
    return part.init(canvas) if hasattr(part, "init") else ()


def needs(part: Any) -> frozenset[str]:
    """What a part or a scheduler needs of a prediction."""
    wanted = frozenset(getattr(part, "needs", ()))
    refuse_unknown_needs(type(part).__name__, wanted)
    return wanted


def planned(part: Any, place: Place) -> Scalar:
    """The steps of a part's fixed schedule in this block, 0 where it has none."""
    return jnp.asarray(part.plan(place) if hasattr(part, "plan") else 0, jnp.int32)


def exhausted(part: Any, place: Place) -> Bool[Array, ""]:
    """Whether this step is the last of a part's fixed schedule."""
    steps = planned(part, place)
    return (steps > 0) & (place.step + 1 >= steps)
