"""Random schemas: of all small values, the language holds those that match by definition."""

import json
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grammar import EmptyLanguageError, SchemaError, json_schema
from grammar.intersection import fragments_graph, intersects
from grammar.network import build_network
from tests.reference.json_schema import matches

SCALARS: list[Any] = [None, True, False, 0, 1, -2, 3, 2.5, 1.0, "", "a", "ab", "é\n"]
FEW: list[Any] = [None, 1, 2.5, "a", [1], {"a": 1}]
VALUES: list[Any] = [
    *SCALARS,
    *([*items] for length in range(3) for items in product(FEW, repeat=length)),
    [1, 1, 1],
    [1, "a", None],
    *({"a": one} for one in FEW),
    *({"b": one} for one in FEW[:4]),
    *({"b": one, "a": two} for one in FEW[:4] for two in FEW[:4]),
    {"ab": 1},
    {"ab": None, "b": "a"},
    {"c": 2.5, "b": 1, "a": "a"},
    {"a": 1, "ab": 1, "b": 1, "c": 1},
]
TEXTS = [json.dumps(value, ensure_ascii=index % 2 == 0) for index, value in enumerate(VALUES)]

NAMES = st.sampled_from(["a", "b", "ab"])
COUNTS = st.integers(0, 3)
BOUNDS = st.sampled_from([-2, 0, 1, 2.5, 3])
PATTERNS = st.sampled_from(["a", "^a$", "b$", "^(a|é)", "^[^a]*$"])
TYPES = st.sampled_from(["null", "boolean", "integer", "number", "string", "array", "object"])


def keywords(schema: st.SearchStrategy[Any]) -> dict[str, st.SearchStrategy[Any]]:
    some = st.lists(schema, min_size=1, max_size=3)
    by_name = st.dictionaries(NAMES, schema, min_size=1, max_size=2)
    return {
        "type": TYPES | st.lists(TYPES, min_size=1, max_size=3, unique=True),
        "const": st.sampled_from(VALUES),
        "enum": st.lists(st.sampled_from(VALUES), min_size=1, max_size=3),
        **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), BOUNDS),
        "multipleOf": st.sampled_from([1, 2, 0.5, 1.5]),
        **dict.fromkeys(("minLength", "maxLength", "minItems", "maxItems"), COUNTS),
        "pattern": PATTERNS,
        **dict.fromkeys(("items", "contains", "additionalProperties", "propertyNames"), schema),
        **dict.fromkeys(("minContains", "maxContains", "minProperties", "maxProperties"), COUNTS),
        "prefixItems": some,
        "uniqueItems": st.booleans(),
        "properties": by_name,
        "patternProperties": st.dictionaries(PATTERNS, schema, min_size=1, max_size=2),
        "required": st.lists(NAMES, max_size=2, unique=True),
        "dependentRequired": st.dictionaries(NAMES, st.lists(NAMES, max_size=2), max_size=2),
        "dependentSchemas": by_name,
        **dict.fromkeys(("allOf", "anyOf", "oneOf"), some),
        **dict.fromkeys(("not", "if", "then", "else"), schema),
        **dict.fromkeys(("unevaluatedProperties", "unevaluatedItems"), schema),
        "$ref": st.sampled_from(["#", "#/$defs/one"]),
    }


def schemas() -> st.SearchStrategy[Any]:
    def with_some(schema: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        known = keywords(schema)
        chosen = st.lists(st.sampled_from(sorted(known)), min_size=1, max_size=3, unique=True)
        return chosen.flatmap(lambda names: st.fixed_dictionaries({n: known[n] for n in names}))

    return st.recursive(st.booleans() | with_some(st.booleans()), with_some, max_leaves=6)


@settings(max_examples=25)
@given(schema=schemas(), one=schemas())
def test_equals_definition(schema: Any, one: Any) -> None:
    check(schema, one)


@pytest.mark.slow
@settings(max_examples=1_000)
@given(schema=schemas(), one=schemas())
def test_equals_definition_often(schema: Any, one: Any) -> None:
    check(schema, one)


def check(schema: Any, one: Any) -> bool:
    """Compares all values; False where the schema is refused, or means nothing."""
    if isinstance(schema, dict):
        schema = {**schema, "$defs": {"one": one}}
    try:
        network = build_network(json_schema(schema))
    except EmptyLanguageError:
        assert not any(matches(schema, value) for value in VALUES)
        return True
    except SchemaError:
        return False
    for value, text in zip(VALUES, TEXTS, strict=True):
        expected = matches(schema, value)
        if expected is None:
            return False
        assert intersects(network, fragments_graph([text.encode()])) == expected, text
    return True
