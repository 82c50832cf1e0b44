"""Values of hyper-parameters: what a field's annotation asks for, and what may stand in for it.

A number may come as a Python number, a NumPy scalar or a JAX scalar. As leaves of a rule these have
different dtypes, and `jax.jit` would compile one program for each. So a field that is annotated as
a number holds a Python number, or an array or traced value as it came.
"""

import builtins
from functools import lru_cache
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import ArrayLike

Real = Annotated[ArrayLike, float]
"""A real number: 1 and 1.0 are the same."""

Whole = Annotated[ArrayLike, int]
"""A whole number."""


@lru_cache
def hints(declared: Any) -> dict[str, Any]:
    """The annotations of a class or function, also where its module postpones them."""
    try:
        return get_type_hints(declared, include_extras=True)
    except Exception:
        # One name that cannot be looked up (a local class) must not hide the plain ones.
        found: dict[str, Any] = {}
        for base in reversed(getattr(declared, "__mro__", (declared,))):
            found.update(getattr(base, "__dict__", {}).get("__annotations__", {}))
        return {name: getattr(builtins, str(hint), hint) for name, hint in found.items()}


def kinds(annotation: Any) -> frozenset[type]:
    """The plain types that an annotation is made of; empty where it admits anything else."""
    if get_origin(annotation) is Annotated:
        marks = get_args(annotation)[1:]
        return frozenset(mark for mark in marks if mark in (int, float))
    union = get_origin(annotation) in (Union, UnionType)
    members = get_args(annotation) if union else (annotation,)
    plain_types = {int, float, bool, str, NoneType}
    known = all(isinstance(member, type) and member in plain_types for member in members)
    return frozenset(members) if known else frozenset()


def is_number(value: Any) -> bool:
    """Whether this is one concrete number. Traced values, arrays and keys are not."""
    if isinstance(value, int | float | np.number | np.bool):
        return True
    if not isinstance(value, np.ndarray | jax.Array) or isinstance(value, Tracer):
        return False
    numeric = jnp.issubdtype(value.dtype, jnp.number) or value.dtype == bool
    return value.ndim == 0 and numeric


def plain(value: Any) -> Any:
    """A concrete number as a Python number, anything else as it is."""
    return value.item() if is_number(value) and hasattr(value, "item") else value


def as_annotated(owner: str, name: str, value: Any, annotation: Any) -> Any:
    """The value as a field of this annotation holds it."""
    wanted = kinds(annotation) - {NoneType}
    if wanted not in ({int}, {float}):
        return value
    if isinstance(value, str):
        raise TypeError(f"{owner}: {name} must be a number, got {value!r}")
    if not is_number(value):
        return value
    return whole(owner, name, value) if int in wanted else float(plain(value))


def whole(owner: str, name: str, value: Any) -> int:
    """The value as an int; raises unless it is a whole number."""
    number = plain(value)
    if isinstance(number, float) and not number.is_integer():
        raise ValueError(f"{owner}: {name} must be a whole number, got {number}")
    return int(number)


def require(
    owner: str, name: str, value: Any, low: int | float, high: int | float = float("inf")
) -> None:
    """Raises unless `low <= value <= high`. Arrays and traced values pass unchecked."""
    if is_number(value) and not low <= plain(value) <= high:
        rule = f"at least {low}" if high == float("inf") else f"in [{low}, {high}]"
        raise ValueError(f"{owner}: {name} must be {rule}, got {plain(value)}")
