"""The numbers of a rule, and the same rule with another value in place of one of them."""

import dataclasses
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

from samplers.base import Scheduler
from samplers.values import is_number, plain


class Number(NamedTuple):
    """A field of a rule, or of one of its parts, that holds one number."""

    name: str
    static: bool
    value: Any
    put: Callable[[Any], Scheduler]
    """The rule made once more, with another value there."""


def numbers(
    node: Any, name: str = "", put: Callable[[Any], Any] = lambda made: made
) -> Iterator[Number]:
    """All numbers of a rule and of its parts. `put` makes the rule out of another `node`."""
    if type(node) is tuple:
        for i, item in enumerate(node):
            within = partial(_put_item, put, node, i)
            yield from numbers(item, f"{name}[{i}]", within)
    elif dataclasses.is_dataclass(node):
        for field in dataclasses.fields(node):
            value, full = getattr(node, field.name), f"{name}.{field.name}".lstrip(".")
            within = partial(_put_field, put, node, field.name)
            if is_number(value) and not isinstance(plain(value), bool) and field.init:
                yield Number(full, bool(field.metadata.get("static")), value, within)
            elif field.init:
                yield from numbers(value, full, within)


def _put_item(put: Callable[[Any], Any], node: tuple[Any, ...], i: int, value: Any) -> Any:
    return put((*node[:i], value, *node[i + 1 :]))


def _put_field(put: Callable[[Any], Any], node: Any, name: str, value: Any) -> Any:
    return put(dataclasses.replace(node, **{name: value}))


def with_another_value(number: Number) -> Scheduler | None:
    """The rule with a value near by that its constructor takes, if there is one."""
    whole = isinstance(plain(number.value), int)
    value = number.value  # Python arithmetic keeps its type and dtype
    nearby = (value + 1, value - 1) if whole else (value * 0.99, value + 0.01)
    for other in nearby:
        if other == value:
            continue
        try:
            return number.put(other)
        except Exception:  # out of its range
            continue
    return None
