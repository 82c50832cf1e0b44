"""How the parts of a rule are taken in and asked: with or without a memory, a plan, needs."""

import dataclasses
import functools
import inspect
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool

from samplers.base import Canvas, Place, Scalar
from samplers.pytree import part, refuse_unknown_needs, static
from samplers.ranking import REACHES, filled

_LEAF = int | float | complex | np.ndarray | np.generic | jax.Array | jax.ShapeDtypeStruct


@part
class Function:
    """A plain function as a part. It is compiled in: the same function object, the same program."""

    function: Callable[..., Any] = static()

    @property
    def needs(self) -> frozenset[str]:
        """What the function says it needs."""
        return needs(self.function)

    def __call__(self, *arguments: Any) -> Any:
        return self.function(*arguments)


def as_part(owner: str, thing: Any) -> Any:
    """A part ready to be traced; plain functions are wrapped, what cannot be traced is refused."""
    if inspect.isroutine(thing) or isinstance(thing, functools.partial):
        thing = Function(thing)
    if not callable(thing):
        raise TypeError(f"{owner} must be callable, got {type(thing).__name__} {thing!r}")
    refuse_untraceable(owner, thing)
    return thing


def refuse_untraceable(owner: str, thing: Any) -> None:
    """Raises unless `jax.jit` can take a part or scheduler as an argument.

    `owner` says whose it is, as in `"combine: select"`.
    """
    if isinstance(thing, type):
        name = thing.__name__
        raise TypeError(
            f"{owner} got the class {name} and not an instance; instantiate it: {name}()"
        )
    leaves, structure = jax.tree.flatten_with_path(thing)
    for path, leaf in leaves:
        _refuse_leaf(f"{owner} {type(thing).__name__}{jax.tree_util.keystr(path)}", leaf)
    _refuse_unhashable(owner, structure)


def _refuse_unhashable(owner: str, structure: Any) -> None:
    """Static fields are told apart by value; one that can change in place would run old programs.

    Hashing the structure as a whole says nothing: it leaves the values of static fields out.
    """
    node = structure.node_data()
    if node is None:  # a leaf
        return
    kind, values = node
    if dataclasses.is_dataclass(kind):
        try:
            hash(values)
        except TypeError as error:
            raise TypeError(f"{owner} has a static field that is {error}") from error
    for child in structure.children():
        _refuse_unhashable(owner, child)


def _refuse_leaf(where: str, leaf: Any) -> None:
    if isinstance(leaf, _LEAF):
        return
    if isinstance(leaf, type):
        raise TypeError(f"{where} is the class {leaf.__name__}; instantiate it: {leaf.__name__}()")
    if inspect.isroutine(leaf):
        raise TypeError(f"{where} is a function and cannot be traced; declare the field static")
    if callable(leaf) or hasattr(leaf, "update"):
        decorator = "scheduler" if hasattr(leaf, "update") else "part"
        raise TypeError(
            f"{where} is no pytree; decorate the class {type(leaf).__name__} with @dllm.{decorator}"
        )
    raise TypeError(f"{where} is {leaf!r}, no number or array; declare the field static")


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


def spends(part: Any) -> bool:
    """Whether a part's schedule is spent to its end, also where the block is filled before."""
    return bool(getattr(part, "spends", False))


def finished(rule: Any, canvas: Canvas, place: Place) -> Bool[Array, ""]:
    """Whether a rule is through with the block: its schedule has run out, or it is filled."""
    over = exhausted(rule, place)
    return over if spends(rule) else over | filled(canvas, place)


def reach_of(rule: Any) -> str:
    """How far a rule may write, as far as it says so."""
    reach = getattr(rule, "reach", None)
    return reach if isinstance(reach, str) and reach in REACHES else "block"
