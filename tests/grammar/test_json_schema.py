"""JSON Schema: what is held, what is refused and where, limits."""

import json
import time
from typing import Any

import numpy as np
import pytest

from grammar import (
    MASK,
    EmptyLanguageError,
    GrammarError,
    LimitError,
    SchemaError,
    SchemaLimitError,
    Vocabulary,
    compile_grammar,
    json_schema,
)
from grammar.intersection import fragments_graph, intersects
from grammar.network import build_network
from tests.reference.json_schema import matches


def held(schema: Any, texts: list[str], **options: bool) -> list[str]:
    """Those of some texts that are in a schema's language."""
    network = build_network(json_schema(schema, **options))
    return [text for text in texts if intersects(network, fragments_graph([text.encode()]))]


@pytest.mark.parametrize(
    ("schema", "inside", "outside"),
    [
        ({"type": "integer"}, ["0", "-12", "1.0", "2e3"], ["1.5", "01", "1.0e-1", '"1"']),
        ({"type": "number", "minimum": -0.5}, ["-0.5", "-0.50", "0", "7"], ["-0.51", "-1", "1e2"]),
        ({"minimum": 0, "exclusiveMaximum": 10}, ["-0", "9.99", "null"], ["10", "10.0", "-0.1"]),
        ({"type": "number", "multipleOf": 0.25}, ["0.5", "-1.750", "3"], ["0.3", "0.251"]),
        (
            {"enum": [1, "a", [None], {"b": 2}]},
            ["1.0", '"a"', "[ null]", '{"b":2}'],
            ["true", "[]"],
        ),
        ({"type": "string", "minLength": 2, "maxLength": 3}, ['"éa"', '"\\u00e9😀a"'], ['"a"']),
        ({"pattern": "^a|b$"}, ['"ax"', '"xb"', "0"], ['"xay"', '""']),
        ({"pattern": "^(?!no)[a-z]+$"}, ['"yes"', '"n"'], ['"nothing"', '"no"']),
        ({"pattern": "^\\p{Lu}\\s\\d{2}$"}, ['"É 12"'], ['"e 12"', '"E 1"']),
        ({"format": "date"}, ['"2024-02-29"'], ['"2023-02-29"', '"2024-2-01"']),
        ({"format": "date-time"}, ['"2024-01-31T23:59:60Z"'], ['"2024-01-31T24:00:00Z"']),
        ({"format": "ipv6"}, ['"::1"', '"1:2::ffff:1.2.3.4"'], ['"1::2::3"', '":1"']),
        ({"format": "made-up"}, ['"x"'], []),
        ({"prefixItems": [{"const": 1}], "items": False}, ["[]", "[1]"], ["[2]", "[1, 1]"]),
        (
            {"type": "array", "contains": {"const": 1}, "maxContains": 1},
            ["[0, 1]"],
            ["[1,1]", "[]"],
        ),
        ({"type": "object", "required": ["a"]}, ['{"b":1,"a":2}'], ['{"b":1}', '{"a":1,"a":2}']),
        ({"patternProperties": {"^x": False}}, ['{"y": 1}'], ['{"xy": 1}', '{"x": 1}']),
        ({"properties": {"a": {"type": "null"}}}, ['{"a": null, "é": 0}'], ['{"a": 0}']),
        ({"type": "object", "minProperties": 1, "maxProperties": 2}, ['{"a":1}'], ["{}"]),
        ({"oneOf": [{"minimum": 2}, {"multipleOf": 2}]}, ["3", "0"], ["4", "1", '"a"']),
        ({"not": {"type": ["string", "array"]}}, ["null", "{}"], ["[]", '""']),
        ({"if": {"minimum": 5}, "then": {"multipleOf": 5}}, ["3", "10"], ["6"]),
        ({"dependentRequired": {"a": ["b"]}}, ['{"b": 1}', '{"b":1,"a":1}'], ['{"a": 1}']),
        ({"$ref": "#/$defs/t", "$defs": {"t": {"items": {"$ref": "#"}}}}, ["[[], 1]"], []),
        (
            {"allOf": [{"properties": {"a": True}}], "unevaluatedProperties": False},
            ['{"a": 1}', "{}"],
            ['{"b": 1}'],
        ),
    ],
    ids=lambda value: json.dumps(value)[:40] if isinstance(value, dict) else "",
)
def test_holds(schema: dict[str, Any], inside: list[str], outside: list[str]) -> None:
    assert held(schema, [*inside, *outside]) == inside


def test_whitespace() -> None:
    schema = {"type": "object", "properties": {"a": {"items": {"type": "null"}}}}
    texts = ['{"a":[null,null]}', ' { "a" :\n[ null\t] }\r', '{"a": 1}']
    assert held(schema, texts) == texts
    assert held(schema, texts, whitespace=False) == texts[:1]


def test_order_of_names() -> None:
    """Few names come in any order, many in the schema's; a name never repeats."""
    names = "abcdefgh"
    few, many = ({"properties": dict.fromkeys(names[:n], True)} for n in (3, 8))
    texts = ['{"c":1,"a":2}', '{"a":1,"c":2}', '{"a":1,"a":2}', '{"x":1,"a":2}']
    assert held(few, texts) == [texts[0], texts[1], texts[3]]
    assert held(many, texts) == [texts[1]]


def test_older_drafts() -> None:
    """What a named draft means: lists of items, flags of bounds, references alone, dependencies."""
    draft4 = {"$schema": "http://json-schema.org/draft-04/schema#"}
    bounds = {**draft4, "minimum": 1, "exclusiveMinimum": True, "type": "integer"}
    assert held(bounds, ["1", "2", "2.0"]) == ["2"]
    items = {**draft4, "items": [{"type": "null"}], "additionalItems": False}
    assert held(items, ["[null]", "[1]", "[null, 1]"]) == ["[null]"]
    alone = {**draft4, "items": {"$ref": "#/definitions/a", "maximum": 0}, "definitions": {"a": {}}}
    assert held(alone, ["[1]"]) == ["[1]"]
    needs = {**draft4, "dependencies": {"a": ["b"], "c": {"minProperties": 2}}}
    texts = ['{"a":1}', '{"a":1,"b":1}', '{"c":1}']
    assert held(needs, texts) == texts[1:2]


@pytest.mark.parametrize(
    ("schema", "path", "keyword", "rule"),
    [
        ({"items": {"uniqueItems": True}}, "/items", "uniqueItems", "must have maxItems <= 1"),
        ({"not": {"uniqueItems": True}}, "/not", "uniqueItems", "must not be negated"),
        (
            {"properties": {"a/b": {"pattern": "(a"}}},
            "/properties/a~1b",
            "pattern",
            "regex, column",
        ),
        ({"pattern": "(?<=a)b"}, "", "pattern", "a group must be"),
        ({"pattern": "\\bword"}, "", "pattern", "an escape must be one that is known"),
        ({"format": "idn-email"}, "", "format", "must be one of date, .*, got 'idn-email'"),
        ({"minProperties": 2}, "", "minProperties", "must be at most one more than the required"),
        ({"not": {"propertyNames": {"maxLength": 1}}}, "/not", "", "must not ask for a property"),
        ({"$ref": "other.json"}, "", "$ref", "must lead into the schema, got 'other.json'"),
        ({"$ref": "#/$defs/a"}, "", "$ref", "must lead to a schema, got '#/\\$defs/a'"),
        ({"anyOf": [{"$ref": "#"}]}, "", "$ref", "must not lead back to itself"),
        ({"type": "int"}, "", "type", "must be one of null, .*, got 'int'"),
        ({"properties": {"a": 1}}, "/properties/a", "", "must be an object, true or false, got 1"),
        ({"required": True}, "", "required", "must be a list of texts, got True"),
        ({"minLength": -1}, "", "minLength", "must be a whole number >= 0, got -1"),
        ({"multipleOf": 0}, "", "multipleOf", "must be > 0, got 0"),
        ({"maximum": "1"}, "", "maximum", "must be a number, got '1'"),
        ({"$schema": "http://example.com"}, "", "$schema", "must be one of json-schema.org"),
        ("{", "", "", "must be JSON"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_refuses(schema: Any, path: str, keyword: str, rule: str) -> None:
    with pytest.raises(SchemaError, match=f": {rule}") as caught:
        json_schema(schema)
    assert (caught.value.path, caught.value.keyword) == (path, keyword)


def test_lenient() -> None:
    """What cannot be compiled is left out and named; all else still holds."""
    schema = {
        "properties": {
            "a": {"type": "array", "uniqueItems": True},
            "b": {"type": "string", "pattern": "\\bx", "maxLength": 1},
        }
    }
    assert json_schema(schema, lenient=True).dropped == (
        "pattern at /properties/b",
        "uniqueItems at /properties/a",
    )
    texts = ['{"a":[1,1]}', '{"b":"y"}', '{"a":1}', '{"b":"xx"}']
    assert held(schema, texts, lenient=True) == texts[:2]
    assert json_schema({"type": "null"}, lenient=True).dropped == ()


@pytest.mark.parametrize(
    "schema",
    [
        False,
        {"type": "string", "minLength": 3, "maxLength": 2},
        {"type": "integer", "minimum": 1, "exclusiveMaximum": 2, "not": {"const": 1}},
        {"allOf": [{"type": "string"}, {"type": "null"}]},
        {"type": "object", "required": ["a"], "additionalProperties": False},
        {"type": "array", "minItems": 1, "items": {"enum": []}},
        {"type": "object", "properties": {"a": {"$ref": "#"}}, "required": ["a"]},
        {"oneOf": [{"const": 1}, {"const": 1.0}]},
    ],
    ids=str,
)
def test_contradictory(schema: Any) -> None:
    with pytest.raises(EmptyLanguageError, match=r"must .* got none"):
        build_network(json_schema(schema))


def nested(depth: int) -> str:
    return '{"items":' * depth + "true" + "}" * depth


@pytest.mark.parametrize(
    ("schema", "rule"),
    [
        (lambda: '{"enum":["' + "x" * 100_000_000 + '"]}', "at most 10000000 characters"),
        (lambda: {"pattern": "a" * 100_000_000}, "at most 10000000 characters"),
        (lambda: {"pattern": "a" * 1_000_000}, "at most 20000 characters, got 1000000"),
        (lambda: {"enum": list(range(1_000_000))}, "at most 200000 values"),
        (lambda: nested(200), "nest at most 100 deep"),
        (lambda: nested(100_000), "nest at most 100 deep"),
        (lambda: {"maxLength": 10**9}, "at most 10000, got 1000000000"),
        (lambda: {"minItems": 10**9}, "at most 10000, got 1000000000"),
        (lambda: {"minimum": 10**500}, "an exponent of at most 400"),
        (lambda: {"multipleOf": 0.123456789}, "at most 20000 remainders"),
        (lambda: {"pattern": "(" * 60 + ")" * 60}, "at most 25 deep"),
        pytest.param(
            lambda: {"pattern": "((((a{99}){99}){99}){99})"},
            "at most .* states",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            lambda: {"pattern": "a.{30}b"}, "at most 20000 states", marks=pytest.mark.slow
        ),
        pytest.param(
            lambda: {"allOf": [{"anyOf": wide(3 * i)} for i in range(12)]},
            "at most .* alternatives",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_limits(schema: Any, rule: str) -> None:
    """Clear, quick and bounded, whatever the schema asks for."""
    made = schema()
    begin = time.process_time()
    with pytest.raises(SchemaLimitError, match=rule) as caught:
        json_schema(made)
    assert isinstance(caught.value, LimitError | GrammarError)
    assert time.process_time() - begin < 10


def wide(number: int) -> list[dict[str, Any]]:
    return [{"properties": {f"p{number + i}": {"type": "null"}}} for i in range(3)]


def test_random_decodes_match() -> None:
    """Any order, several writes a step, tokens at random: never stuck, and the value matches."""
    schema = {
        "type": "object",
        "properties": {
            "id": {"type": "integer", "minimum": 3, "maximum": 40},
            "tags": {"type": "array", "items": {"enum": ["a", "é"]}, "maxItems": 2},
            "next": {"anyOf": [{"$ref": "#"}, {"type": "null"}]},
        },
        "required": ["id"],
        "additionalProperties": False,
    }
    tokens = [bytes([byte]) for byte in range(256)] + [b'{"id":', b'"tags":[', b'",', b'"next":']
    stop = len(tokens)
    language = compile_grammar(
        json_schema(schema, whitespace=False), Vocabulary([*tokens, None], frozenset({stop}))
    )
    rng = np.random.default_rng(0)
    for writes in (1, 3):
        canvas = [MASK] * 16
        while MASK in canvas:
            allowed, after = language.admissible(canvas), list(canvas)
            holes = [position for position, token in enumerate(canvas) if token == MASK]
            for position in rng.permutation(holes)[:writes]:
                after[position] = int(rng.choice(np.flatnonzero(allowed[position])))
            canvas = language.keep(canvas, after, rng.random(len(canvas)).tolist())
        text = b"".join(tokens[token] for token in canvas if token != stop)
        assert matches(schema, json.loads(text))
