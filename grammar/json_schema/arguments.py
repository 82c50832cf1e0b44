"""The values of keywords, refused where they are of another kind."""

from decimal import Decimal
from typing import Any, Final

from grammar.json_schema.documents import Place, SchemaError, SchemaLimitError
from grammar.json_schema.numbers import exact

LARGEST: Final = 10_000
"""The largest bound of a length or a number of items."""


def count_of(place: Place, keyword: str) -> int:
    """A keyword's value as a number of things."""
    value = place.value[keyword]
    whole = isinstance(value, int | float | Decimal) and not isinstance(value, bool)
    if not whole or value != int(value) or value < 0:
        raise SchemaError(place.path, keyword, f"must be a whole number >= 0, got {value!r:.40}")
    if value > LARGEST:
        rule = f"must be at most {LARGEST}, got {value!r:.40}"
        raise SchemaLimitError(place.path, keyword, rule)
    return int(value)


def number_of(place: Place, keyword: str) -> Decimal:
    value = place.value[keyword]
    if not isinstance(value, int | float | Decimal) or isinstance(value, bool):
        raise SchemaError(place.path, keyword, f"must be a number, got {value!r:.40}")
    return exact(value)


def list_of(place: Place, keyword: str, of: type, value: Any = None) -> list[Any]:
    value = place.value[keyword] if value is None else value
    if not isinstance(value, list) or not all(isinstance(part, of) for part in value):
        kind = "texts" if of is str else "schemas" if of is object else "values"
        raise SchemaError(place.path, keyword, f"must be a list of {kind}, got {value!r:.40}")
    return value


def map_of(place: Place, keyword: str) -> dict[str, Any]:
    value = place.value[keyword]
    if not isinstance(value, dict):
        raise SchemaError(place.path, keyword, f"must be an object, got {value!r:.40}")
    return value
