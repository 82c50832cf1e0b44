"""A schema's text and its parts: limits, dialects, identifiers and references."""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final
from urllib.parse import unquote, urldefrag, urljoin

from grammar.errors import GrammarError, LimitError

CHARACTERS: Final = 10_000_000
"""The longest text of a schema."""

VALUES: Final = 200_000
"""The most values (objects, lists, strings, numbers ...) in a schema."""

DEPTH: Final = 100
"""The deepest nesting of a schema."""

BITS: Final = 4_096
"""The largest integer of a schema: one of so many bits."""

DIALECTS: Final = {
    "json-schema.org/draft-04/schema": 4,
    "json-schema.org/draft-06/schema": 6,
    "json-schema.org/draft-07/schema": 7,
    "json-schema.org/draft/2019-09/schema": 2019,
    "json-schema.org/draft/2020-12/schema": 2020,
}
"""The drafts that are read, by `$schema` without its scheme and an empty fragment."""

_OF_SCHEMAS: Final = (
    "properties", "patternProperties", "$defs", "definitions", "dependentSchemas", "dependencies",
)  # fmt: skip
_LISTS: Final = ("allOf", "anyOf", "oneOf", "prefixItems", "items")
_SCHEMAS: Final = (
    "items", "additionalItems", "additionalProperties", "contains", "not", "if", "then", "else",
    "propertyNames", "unevaluatedItems", "unevaluatedProperties",
)  # fmt: skip


class SchemaError(GrammarError):
    """A schema that cannot be compiled exactly.

    Attributes:
        path: Where, as a JSON pointer into the schema.
        keyword: Which keyword, empty for a whole schema.
    """

    def __init__(self, path: str, keyword: str, rule: str):
        super().__init__(f"JSON Schema, {keyword or 'schema'} at {path or '/'}: {rule}")
        self.path, self.keyword = path, keyword


class SchemaLimitError(SchemaError, LimitError):
    """A schema that needs more than a limit allows."""


@dataclass(frozen=True, eq=False)
class Place:
    """A schema and where it stands."""

    value: Any
    path: str
    """JSON pointer from the root of its document."""
    base: str
    """The URI that its references start from."""
    dialect: int
    """The draft: 4, 6, 7, 2019 or 2020."""
    stated: bool
    """Whether the draft was named by `$schema`."""

    def under(self, *keys: str | int) -> str:
        """The pointer of a part."""
        steps = (str(key).replace("~", "~0").replace("/", "~1") for key in keys)
        return "/".join((self.path, *steps))


def read(schema: object) -> object:
    """The value of a schema's text, or a schema as it is; both within the limits."""
    if isinstance(schema, str):
        if len(schema) > CHARACTERS:
            rule = f"must have at most {CHARACTERS} characters, got {len(schema)}"
            raise SchemaLimitError("", "", rule)
        try:
            schema = json.loads(schema, parse_float=Decimal)
        except RecursionError:
            raise SchemaLimitError("", "", f"must nest at most {DEPTH} deep, got more") from None
        except ValueError as error:
            raise SchemaError("", "", f"must be JSON, got {error}") from None
    _measure(schema)
    return schema


def _measure(schema: object) -> None:
    """Refuses what is too large or too deep, in time that the limits bound."""
    waiting, count, characters = [(schema, 0)], 0, 0
    while waiting:
        value, depth = waiting.pop()
        count += 1
        if depth > DEPTH:
            raise SchemaLimitError("", "", f"must nest at most {DEPTH} deep, got more")
        if isinstance(value, dict):
            if not all(isinstance(name, str) for name in value):
                raise SchemaError("", "", "must have names that are texts")
            waiting += [(part, depth + 1) for part in value.values()]
            characters += sum(map(len, value))
        elif isinstance(value, list):
            waiting += [(part, depth + 1) for part in value]
        elif isinstance(value, str):
            characters += len(value)
        else:
            _refuse_strange(value)
        if characters > CHARACTERS:
            rule = f"must have at most {CHARACTERS} characters, got more"
            raise SchemaLimitError("", "", rule)
        if count + len(waiting) > VALUES:
            raise SchemaLimitError("", "", f"must have at most {VALUES} values, got more")


def _refuse_strange(value: object) -> None:
    """Refuses what is no number (or name) of JSON, and integers of thousands of digits."""
    if value is None or isinstance(value, bool):
        return
    if not isinstance(value, int | float | Decimal):
        raise SchemaError("", "", f"must hold values of JSON, got a {type(value).__name__}")
    if isinstance(value, int):
        if value.bit_length() > BITS:
            rule = f"must have integers of at most {BITS} bits, got {value.bit_length()}"
            raise SchemaLimitError("", "", rule)
    elif not (value.is_finite() if isinstance(value, Decimal) else math.isfinite(value)):
        raise SchemaError("", "", f"must have finite numbers, got {value}")


class Documents:
    """All schemas of a document by identity, by URI and by anchor."""

    def __init__(self, root: object):
        self.places: dict[int, Place] = {}
        self.resources: dict[str, Place] = {}
        self.anchors: dict[tuple[str, str], Place] = {}
        self.dynamic: dict[str, list[Place]] = {}
        self.root = Place(root, "", "", 2020, False)
        self.resources[""] = self.root
        self.root = self._enter(self.root)

    def at(self, parent: Place, *keys: str | int) -> Place:
        """A part of a schema that is a schema itself."""
        value = parent.value
        for key in keys:
            value = value[key]
        return self._known(value) or self._enter(
            Place(value, parent.under(*keys), parent.base, parent.dialect, parent.stated)
        )

    def made(self, parent: Place, value: object, *keys: str | int) -> Place:
        """A schema that stands for a part of another, without being written there."""
        return Place(value, parent.under(*keys), parent.base, parent.dialect, parent.stated)

    def _known(self, value: object) -> Place | None:
        return self.places.get(id(value)) if isinstance(value, dict) else None

    def _enter(self, place: Place) -> Place:
        """Notes a schema and all schemas in it."""
        if not isinstance(place.value, dict):
            return place
        known = self._known(place.value)
        if known:
            return known
        place = self._identified(place)
        self.places[id(place.value)] = place
        for keys, value in _parts(place.value):
            self._enter(Place(value, place.under(*keys), place.base, place.dialect, place.stated))
        return place

    def _identified(self, place: Place) -> Place:
        """With the dialect, the base and the anchors that a schema itself states."""
        value, dialect, stated, base = place.value, place.dialect, place.stated, place.base
        if isinstance(value.get("$schema"), str):
            dialect, stated = self._dialect(place), True
        if dialect <= 7 and "$ref" in value and place.path:
            return Place(value, place.path, base, dialect, stated)
        name = value.get("id" if dialect == 4 else "$id")
        if isinstance(name, str):
            uri, fragment = urldefrag(urljoin(base, name))
            if fragment and dialect <= 7:
                place = Place(value, place.path, base, dialect, stated)
                self.anchors[base, fragment] = place
            elif uri:
                base = uri
                place = Place(value, place.path, base, dialect, stated)
                self.resources.setdefault(base, place)
        place = Place(value, place.path, base, dialect, stated)
        if not place.path:
            self.resources[""] = self.resources[base] = place
        for keyword in ("$anchor", "$dynamicAnchor"):
            anchor = value.get(keyword)
            if isinstance(anchor, str) and dialect >= 2019:
                self.anchors[base, anchor] = place
                if keyword == "$dynamicAnchor":
                    self.dynamic.setdefault(anchor, []).append(place)
        return place

    def _dialect(self, place: Place) -> int:
        named = place.value["$schema"].removesuffix("#").split("://")[-1]
        if named not in DIALECTS:
            rule = f"must be one of {', '.join(DIALECTS)}, got {place.value['$schema']!r}"
            raise SchemaError(place.path, "$schema", rule)
        return DIALECTS[named]

    def resolve(self, place: Place, keyword: str) -> Place:
        """The schema that a reference of `place` means."""
        reference = place.value[keyword]
        if not isinstance(reference, str):
            raise SchemaError(place.path, keyword, f"must be a text, got {reference!r}")
        inner = reference.startswith("#")
        uri, fragment = urldefrag(
            place.base + reference if inner else urljoin(place.base, reference)
        )
        resource = self.resources.get(uri)
        if resource is None:
            raise SchemaError(place.path, keyword, f"must lead into the schema, got {reference!r}")
        fragment = unquote(fragment)
        if fragment and not fragment.startswith("/"):
            found = self.anchors.get((uri, fragment))
        else:
            found = self._pointed(resource, fragment)
        if found is None:
            raise SchemaError(place.path, keyword, f"must lead to a schema, got {reference!r}")
        return found

    def _pointed(self, resource: Place, pointer: str) -> Place | None:
        """What a JSON pointer leads to from a resource."""
        place = resource
        value, keys = place.value, []
        for step in pointer.split("/")[1:]:
            step = step.replace("~1", "/").replace("~0", "~")
            if isinstance(value, list) and step.isdigit() and int(step) < len(value):
                keys.append(int(step))
            elif isinstance(value, dict) and step in value:
                keys.append(step)
            else:
                return None
            value = value[keys[-1]]
            if self._known(value):
                place, keys = self.places[id(value)], []
        if not isinstance(value, dict | bool):
            return None
        return self.at(place, *keys) if keys else place


def _parts(value: dict[str, Any]) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """The schemas right inside a schema, with their keys."""
    for keyword in _OF_SCHEMAS:
        if isinstance(value.get(keyword), dict):
            yield from (((keyword, name), part) for name, part in value[keyword].items())
    for keyword in _LISTS:
        if isinstance(value.get(keyword), list):
            yield from (((keyword, index), part) for index, part in enumerate(value[keyword]))
    for keyword in _SCHEMAS:
        if isinstance(value.get(keyword), dict):
            yield (keyword,), value[keyword]
