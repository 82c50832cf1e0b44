"""JSON Schema 2020-12 by definition: a value is looked at, keyword by keyword.

It shares nothing with the product. References lead to `#` and `#/$defs/…` alone.
"""

import re
from collections.abc import Callable
from fractions import Fraction
from typing import Any

Notes = tuple[set[str], set[int]]
"""Names and indices that were evaluated."""


def matches(schema: Any, value: Any) -> bool | None:
    """Whether a value matches a schema; None where references lead back without end."""
    try:
        return _check(schema, value, schema) is not None
    except RecursionError:
        return None


def _check(schema: Any, value: Any, root: Any) -> Notes | None:
    """What was evaluated, None where the value does not match."""
    if isinstance(schema, bool):
        return (set(), set()) if schema else None
    notes: Notes = (set(), set())
    if not all(rule(schema, value) for rule in (_any, _number, _string, _size)):
        return None
    for part in (_array, _object, _applied):
        found = part(schema, value, root)
        if found is None:
            return None
        notes[0].update(found[0])
        notes[1].update(found[1])
    return _unevaluated(schema, value, root, notes)


def _is(value: Any, name: str) -> bool:
    if name in ("number", "integer"):
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return number and (name == "number" or value == int(value))
    kinds = {"null": type(None), "boolean": bool, "string": str, "array": list, "object": dict}
    return isinstance(value, kinds[name])


def _same(one: Any, two: Any) -> bool:
    """Equality of JSON: 1 is 1.0 and is not true."""
    if isinstance(one, list) and isinstance(two, list):
        return len(one) == len(two) and all(map(_same, one, two))
    if isinstance(one, dict) and isinstance(two, dict):
        return one.keys() == two.keys() and all(_same(one[key], two[key]) for key in one)
    return isinstance(one, bool) == isinstance(two, bool) and one == two


def _any(schema: dict[str, Any], value: Any) -> bool:
    types = schema.get("type", [])
    types = [types] if isinstance(types, str) else types
    return (
        ("type" not in schema or any(_is(value, name) for name in types))
        and ("const" not in schema or _same(schema["const"], value))
        and ("enum" not in schema or any(_same(part, value) for part in schema["enum"]))
    )


def _number(schema: dict[str, Any], value: Any) -> bool:
    if not _is(value, "number"):
        return True
    exact = Fraction(str(value))
    rules: dict[str, Callable[[Fraction], bool]] = {
        "minimum": lambda bound: exact >= bound,
        "maximum": lambda bound: exact <= bound,
        "exclusiveMinimum": lambda bound: exact > bound,
        "exclusiveMaximum": lambda bound: exact < bound,
        "multipleOf": lambda bound: exact % bound == 0,
    }
    return all(rule(Fraction(str(schema[key]))) for key, rule in rules.items() if key in schema)


def _string(schema: dict[str, Any], value: Any) -> bool:
    return not isinstance(value, str) or (
        schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value))
        and bool(re.search(schema.get("pattern", ""), value))
    )


def _size(schema: dict[str, Any], value: Any) -> bool:
    kind = {list: "Items", dict: "Properties"}.get(type(value))
    if kind is None:
        return True
    return schema.get(f"min{kind}", 0) <= len(value) <= schema.get(f"max{kind}", len(value))


def _array(schema: dict[str, Any], value: Any, root: Any) -> Notes | None:
    seen: set[int] = set()
    if not isinstance(value, list):
        return set(), seen
    prefix = schema.get("prefixItems", [])
    for index, item in enumerate(value):
        part = prefix[index] if index < len(prefix) else schema.get("items")
        if part is not None:
            seen.add(index)
            if _check(part, item, root) is None:
                return None
    if "contains" in schema:
        found = {i for i, item in enumerate(value) if _check(schema["contains"], item, root)}
        if not schema.get("minContains", 1) <= len(found) <= schema.get("maxContains", len(value)):
            return None
        seen |= found
    pairs = ((a, b) for i, a in enumerate(value) for b in value[:i])
    unique = not schema.get("uniqueItems") or not any(_same(a, b) for a, b in pairs)
    return (set(), seen) if unique else None


def _object(schema: dict[str, Any], value: Any, root: Any) -> Notes | None:
    seen: set[str] = set()
    if not isinstance(value, dict):
        return seen, set()
    if set(schema.get("required", [])) - value.keys():
        return None
    for name, others in schema.get("dependentRequired", {}).items():
        if name in value and set(others) - value.keys():
            return None
    for name, member in value.items():
        if "propertyNames" in schema and _check(schema["propertyNames"], name, root) is None:
            return None
        parts = [schema["properties"][name]] if name in schema.get("properties", {}) else []
        patterns = schema.get("patternProperties", {})
        parts += [part for pattern, part in patterns.items() if re.search(pattern, name)]
        if not parts and "additionalProperties" in schema:
            parts = [schema["additionalProperties"]]
        if any(_check(part, member, root) is None for part in parts):
            return None
        seen |= {name} if parts else set()
    return seen, set()


def _applied(schema: dict[str, Any], value: Any, root: Any) -> Notes | None:
    """The keywords whose schemas look at the same value."""
    found: list[Notes | None] = []
    if "$ref" in schema:
        name = schema["$ref"].removeprefix("#").removeprefix("/$defs/")
        found.append(_check(root["$defs"][name] if name else root, value, root))
    found += [_check(part, value, root) for part in schema.get("allOf", [])]
    if "anyOf" in schema:
        held = [_check(part, value, root) for part in schema["anyOf"]]
        found += [part for part in held if part is not None] or [None]
    if "oneOf" in schema:
        held = [_check(part, value, root) for part in schema["oneOf"]]
        held = [part for part in held if part is not None]
        found += held if len(held) == 1 else [None]
    if "not" in schema and _check(schema["not"], value, root) is not None:
        return None
    if "if" in schema:
        condition = _check(schema["if"], value, root)
        branch = schema.get("else" if condition is None else "then", True)
        found += [_check(branch, value, root)] + ([] if condition is None else [condition])
    if isinstance(value, dict):
        parts = schema.get("dependentSchemas", {}).items()
        found += [_check(part, value, root) for name, part in parts if name in value]
    notes: Notes = (set(), set())
    for part in found:
        if part is None:
            return None
        notes[0].update(part[0])
        notes[1].update(part[1])
    return notes


def _unevaluated(schema: dict[str, Any], value: Any, root: Any, notes: Notes) -> Notes | None:
    names, indices = notes
    if isinstance(value, dict) and "unevaluatedProperties" in schema:
        part = schema["unevaluatedProperties"]
        left = value.keys() - names
        if any(_check(part, value[name], root) is None for name in left):
            return None
        names |= left
    if isinstance(value, list) and "unevaluatedItems" in schema:
        part = schema["unevaluatedItems"]
        left = set(range(len(value))) - indices
        if any(_check(part, value[index], root) is None for index in left):
            return None
        indices |= left
    return names, indices
