"""Dataclasses from tables of TOML files."""

import dataclasses
import math
import tomllib
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dllm.limits import must


def read(
    kind: type, path: str | Path, changed: Mapping[str, Mapping[str, Any]] | None = None
) -> Any:
    """A dataclass from a file; `changed` replaces values by table and key.

    Raises:
        ValueError: not TOML, a key that nobody knows, one that is missing, or a value that breaks a
            rule; begins with the file's name.
    """
    table = read_table(path, changed)
    try:
        return parse(kind, table)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def read_table(
    path: str | Path, changed: Mapping[str, Mapping[str, Any]] | None = None
) -> dict[str, Any]:
    """What a file says, some of its values replaced by table and key.

    Raises:
        ValueError: not TOML, or a value in place of a table.
    """
    try:
        table = tomllib.loads(Path(path).read_text("utf-8"))
    except ValueError as error:
        raise ValueError(f"{path}: not TOML ({error})") from None
    for name, values in (changed or {}).items():
        before = table.get(name, {})
        must(isinstance(before, dict), f"{path}: {name}", "a table", before)
        table[name] = {**before, **values}
    return table


def parse(kind: type, table: Any, where: str = "") -> Any:
    """A dataclass from a table of the same names.

    Raises:
        ValueError: as `read`, without a file's name; also for what is no table.
    """
    must(isinstance(table, dict), where.removesuffix("."), "a table", table)
    fields = {field.name: field for field in dataclasses.fields(kind)}
    unknown = [key for key in table if key not in fields]
    if unknown:
        known = ", ".join(fields)
        raise ValueError(f"unknown key {where}{unknown[0]}, the known are {known}")
    for name, field in fields.items():
        needed = field.default is field.default_factory is dataclasses.MISSING
        if needed and name not in table:
            raise ValueError(f"{where}{name} is missing")
    hints = typing.get_type_hints(kind)
    return kind(**{key: _value(hints[key], table[key], where + key) for key in table})


def _value(hint: Any, value: Any, where: str) -> Any:
    """A value of the type that a field wants."""
    if isinstance(hint, types.UnionType):
        hint = typing.get_args(hint)[0]
    kind: Any = typing.get_origin(hint) or hint
    if kind is tuple:
        return _items(typing.get_args(hint), value, where)
    if dataclasses.is_dataclass(kind):
        return parse(typing.cast(type, kind), value, f"{where}.")
    if kind is dict:
        must(isinstance(value, dict), where, "a table", value)
        return value
    return _plain(kind, value, where)


def _plain(kind: type, value: Any, where: str) -> Any:
    """A text or number; whole numbers pass as floats."""
    whole = isinstance(value, int) and not isinstance(value, bool)
    fits = whole if kind is int else isinstance(value, kind) or (kind is float and whole)
    must(fits, where, f"of type {kind.__name__}", value)
    must(kind is not float or math.isfinite(value), where, "finite", value)
    return kind(value)


def _items(hints: tuple[Any, ...], value: Any, where: str) -> tuple[Any, ...]:
    must(isinstance(value, list), where, "a list", value)
    number = None if hints[-1] is ... else len(hints)
    must(number in (None, len(value)), where, f"a list of {number}", value)
    return tuple(_value(hints[0], item, where) for item in value)
