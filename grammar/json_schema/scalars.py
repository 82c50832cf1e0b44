"""Keywords of any value, of numbers and of texts."""

from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from grammar.json_schema.arguments import count_of, list_of, number_of
from grammar.json_schema.documents import Place, SchemaError, SchemaLimitError
from grammar.json_schema.expander import Expander, Handler, Parts
from grammar.json_schema.formats import format_language
from grammar.json_schema.languages import ALL, finite, lengths, union
from grammar.json_schema.numbers import INTEGERS, NUMBERS, WHOLE, compared, equal, multiples
from grammar.json_schema.parts import of_numbers, of_strings, opposite
from grammar.json_schema.patterns import search
from grammar.json_schema.shapes import NOTHING, ArrayCell, ObjectCell, Shape

MANY: Final = 1_000
"""The most numbers of an `enum`."""

TYPES: Final = {
    "null": Shape(null=True),
    "boolean": Shape(booleans=frozenset({True, False})),
    "number": Shape(numbers=NUMBERS),
    "integer": Shape(numbers=INTEGERS),
    "string": Shape(strings=ALL),
    "array": Shape(arrays=(ArrayCell(),)),
    "object": Shape(objects=(ObjectCell(),)),
}


def of_type(_self: Expander, place: Place, sign: bool, _notes: bool) -> Parts:
    named = place.value["type"]
    shape = NOTHING
    for name in [named] if isinstance(named, str) else list_of(place, "type", str):
        if name not in TYPES:
            rule = f"must be one of {', '.join(TYPES)}, got {name!r:.40}"
            raise SchemaError(place.path, "type", rule)
        whole = name == "integer" and place.dialect == 4
        shape |= Shape(numbers=WHOLE) if whole else TYPES[name]
    yield shape if sign else opposite(shape)


def const(self: Expander, place: Place, sign: bool, _notes: bool) -> Parts:
    yield _values(self, place, "const", [place.value["const"]], sign)


def enum(self: Expander, place: Place, sign: bool, _notes: bool) -> Parts:
    yield _values(self, place, "enum", list_of(place, "enum", object), sign)


def _values(self: Expander, place: Place, keyword: str, values: list[Any], sign: bool) -> Shape:
    """Any of some values, or none of them."""
    booleans = frozenset(value for value in values if isinstance(value, bool))
    numbers = [
        v for v in values if isinstance(v, int | float | Decimal) and not isinstance(v, bool)
    ]
    if len(numbers) > MANY:
        rule = f"must have at most {MANY} numbers, got {len(numbers)}"
        raise SchemaLimitError(place.path, keyword, rule)
    scalars = Shape(
        None in values,
        booleans,
        union(map(equal, dict.fromkeys(numbers))),
        finite(value for value in values if isinstance(value, str)),
    )
    shape = scalars if sign else opposite(scalars)
    for index, value in enumerate(values):
        if isinstance(value, list | dict):
            made = self.documents.made(place, _spelled_out(value), keyword, index)
            part = self.of(replace(made, dialect=2020), sign)
            shape = shape | part if sign else self.conjoin(shape, part)
    return shape


def _spelled_out(value: Any) -> dict[str, Any]:
    """A schema for one value, without `const` for arrays and objects."""
    if isinstance(value, list):
        items = [_spelled_out(part) for part in value]
        return {
            "type": "array",
            "prefixItems": items,
            "items": False,
            "minItems": len(value),
        }
    if isinstance(value, dict):
        return {
            "type": "object",
            "properties": {name: _spelled_out(part) for name, part in value.items()},
            "required": list(value),
            "additionalProperties": False,
        }
    return {"const": value}


# Numbers and texts


ABOVE: Final = frozenset({1})
BELOW: Final = frozenset({-1})
AT: Final = frozenset({0})
"""How a number may compare with a bound."""


def bound(keyword: str, orders: frozenset[int], other: str = "") -> Handler:
    """A bound of a number; in draft 4 a flag beside it, `other`, makes it exclusive."""

    def handle(_self: Expander, place: Place, sign: bool, _notes: bool) -> Parts:
        if place.dialect == 4 and not other:
            return
        strict = place.dialect == 4 and place.value.get(other) is True
        kept = orders - AT if strict else orders
        yield of_numbers(compared(number_of(place, keyword), kept.__contains__), sign)

    return handle


def multiple_of(_self: Expander, place: Place, sign: bool, _notes: bool) -> Parts:
    of = number_of(place, "multipleOf")
    if of <= 0:
        raise SchemaError(place.path, "multipleOf", f"must be > 0, got {of}")
    yield of_numbers(multiples(of), sign)


def min_length(_self: Expander, place: Place, sign: bool, _notes: bool) -> Parts:
    yield of_strings(lengths(count_of(place, "minLength"), None), sign)


def max_length(_self: Expander, place: Place, sign: bool, _notes: bool) -> Parts:
    yield of_strings(lengths(0, count_of(place, "maxLength")), sign)


def pattern(_self: Expander, place: Place, sign: bool, _notes: bool) -> Parts:
    if not isinstance(place.value["pattern"], str):
        got = f"{place.value['pattern']!r:.40}"
        raise SchemaError(place.path, "pattern", f"must be a text, got {got}")
    yield of_strings(search(place.value["pattern"]), sign)


def of_format(self: Expander, place: Place, sign: bool, _notes: bool) -> Parts:
    language = format_language(place.value["format"]) if self.formats else None
    if language is not None:
        yield of_strings(language, sign)
