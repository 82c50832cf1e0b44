"""Frozen pytrees: how a scheduler or a part of one is declared."""

import dataclasses
import inspect
from typing import Any, TypeVar, dataclass_transform

import jax

from samplers.base import NEEDS
from samplers.values import as_annotated, hints, require

__all__ = ["part", "refuse_unknown_needs", "require", "scheduler", "static"]

T = TypeVar("T", bound=type)

_UPDATE_ARGUMENTS = ("self", "key", "state", "canvas", "prediction", "place")


def static(*, default: Any = dataclasses.MISSING) -> Any:
    """A field that is fixed at trace time: a string, a flag, a size. Other fields are leaves."""
    return dataclasses.field(default=default, metadata={"static": True})


@dataclass_transform(frozen_default=True, field_specifiers=(static, dataclasses.field))
def part(cls: T) -> T:
    """Makes a class a frozen dataclass whose fields are pytree leaves, but for `static` ones.

    A leaf annotated as a number becomes a Python number when an instance is made, so that 1, 1.0
    and `np.float32(1)` run one program.
    """
    _settle_numbers(cls)
    frozen = dataclasses.dataclass(frozen=True)(cls)
    for field in dataclasses.fields(frozen):
        _refuse_text(cls.__name__, field)
    _register(frozen)
    return frozen


@dataclass_transform(frozen_default=True, field_specifiers=(static, dataclasses.field))
def scheduler(cls: T) -> T:
    """Makes a class with an `update` method a scheduler (`samplers.base.Scheduler`).

    Annotated class attributes become hyper-parameters: leaves of a frozen pytree, so that changing
    their value does not recompile. `needs` defaults to nothing beyond the default prediction,
    `plan` to no fixed schedule.
    """
    _refuse_foreign_update(cls)
    for name, default in (("needs", frozenset()), ("plan", _no_plan)):
        if not hasattr(cls, name):
            setattr(cls, name, default)
    refuse_unknown_needs(cls.__name__, cls.needs)
    return part(cls)


def refuse_unknown_needs(owner: str, needs: Any) -> None:
    """Raises if `needs` (of a class, or of an instance where it is a property) names a stranger."""
    if isinstance(needs, property):
        return
    unknown = sorted(set(needs) - NEEDS)
    if unknown:
        raise ValueError(f"{owner}: unknown needs {unknown}, the known are {sorted(NEEDS)}")


def _settle_numbers(cls: type) -> None:
    """Puts the settling of numbers in front of the class's own `__post_init__`."""
    own = getattr(cls, "__post_init__", None)

    def settle(self: Any) -> None:
        name = type(self).__name__
        for field in dataclasses.fields(self):
            if hasattr(self, field.name):  # absent: a field that `own` is about to compute
                annotation = hints(type(self)).get(field.name, field.type)
                value = as_annotated(name, field.name, getattr(self, field.name), annotation)
                object.__setattr__(self, field.name, value)
        if own is not None:
            own(self)

    setattr(cls, "__post_init__", settle)  # noqa: B010  (the type checker refuses the plain form)


def _refuse_text(owner: str, field: dataclasses.Field[Any]) -> None:
    text = isinstance(field.default, str) or field.type in (str, "str")
    if text and not field.metadata.get("static"):
        missing = field.default is dataclasses.MISSING
        default = "" if missing else f"default={field.default!r}"
        raise TypeError(
            f"{owner}: field {field.name} is text and cannot be traced; "
            f"declare it as {field.name}: str = static({default})"
        )


def _register(cls: type) -> None:
    """Registers a frozen dataclass as a pytree node of its own type.

    Not `jax.tree_util.register_dataclass`: in jax 0.10 to 0.12 the structures it makes compare
    equal across classes with as many fields. Only their hashes differ, so that a jit cache mixes up
    about one pair of rules in a hundred and runs the program of the wrong one.
    """
    fields = dataclasses.fields(cls)
    meta = [field.name for field in fields if field.metadata.get("static")]
    data = [field.name for field in fields if not field.metadata.get("static")]

    def flatten(node: Any) -> tuple[list[Any], tuple[Any, ...]]:
        return [getattr(node, name) for name in data], tuple(getattr(node, n) for n in meta)

    def flatten_with_keys(node: Any) -> tuple[list[Any], tuple[Any, ...]]:
        leaves, values = flatten(node)
        keys = map(jax.tree_util.GetAttrKey, data)
        return list(zip(keys, leaves, strict=True)), values

    def unflatten(values: tuple[Any, ...], leaves: Any) -> Any:
        # Past __init__ and its checks: leaves may be tracers, axes or placeholders.
        node = object.__new__(cls)
        for name, value in (*zip(meta, values, strict=True), *zip(data, leaves, strict=True)):
            object.__setattr__(node, name, value)
        return node

    jax.tree_util.register_pytree_with_keys(cls, flatten_with_keys, unflatten, flatten)


def _refuse_foreign_update(cls: type) -> None:
    update = getattr(cls, "update", None)
    wanted = ", ".join(_UPDATE_ARGUMENTS)
    if update is None:
        raise TypeError(f"{cls.__name__}: a scheduler needs a method update({wanted})")
    names = tuple(inspect.signature(update).parameters)
    if names != _UPDATE_ARGUMENTS:
        raise TypeError(f"{cls.__name__}: update must take ({wanted}), got ({', '.join(names)})")


def _no_plan(self: Any, place: Any) -> int:
    del self, place
    return 0
