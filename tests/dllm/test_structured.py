"""Request fields as serving engines name them."""

from typing import Any

import pytest

from dllm.structured import asked_language
from grammar import GrammarError, completable

INTEGER = {"type": "integer"}
FORMAT = {"type": "json_schema", "json_schema": {"name": "n", "strict": True, "schema": INTEGER}}


@pytest.mark.parametrize(
    ("request_fields", "inside", "outside"),
    [
        ({"structured_outputs": {"json": INTEGER}}, " 12", "x"),
        ({"structured_outputs": {"json": '{"type": "null"}'}}, "null", "1"),
        ({"structured_outputs": {"json": INTEGER, "disable_any_whitespace": True}}, "12", " 12"),
        ({"structured_outputs": {"regex": "[0-9]+"}}, "12", "x"),
        ({"structured_outputs": {"choice": ["yes", "no"]}}, "no", "maybe"),
        ({"structured_outputs": {"json_object": True}}, '{"a": [1]}', "[1]"),
        ({"response_format": FORMAT}, "12", "1.5"),
        ({"response_format": {"type": "json_object"}, "model": "m"}, "{}", "1"),
    ],
)
def test_fields(request_fields: dict[str, Any], inside: str, outside: str) -> None:
    language = asked_language(request_fields)
    assert language is not None
    assert completable(language, [inside])
    assert not completable(language, [outside])


def test_grammars() -> None:
    pytest.importorskip("lark", reason="the lark library is absent (extra: grammar)")
    for text, inside in (('start: "a" start "b" |', "aabb"), ("arithmetic", "1+2")):
        language = asked_language({"structured_outputs": {"grammar": text}})
        assert language is not None
        assert completable(language, [inside])


def test_no_language() -> None:
    assert asked_language({"prompt": "x", "structured_outputs": None}) is None
    assert asked_language({"response_format": {"type": "text"}}) is None


ONE = "structured_outputs: must have one of json, regex, choice, grammar, json_object, got "


@pytest.mark.parametrize(
    ("request_fields", "message"),
    [
        ({"structured_outputs": "json"}, "structured_outputs: must be an object, got 'json'"),
        ({"structured_outputs": {}}, ONE + "none"),
        ({"structured_outputs": {"json": {}, "regex": "a"}}, ONE + "json, regex"),
        (
            {"structured_outputs": {"json": {}, "whitespace_pattern": " "}},
            "structured_outputs.whitespace_pattern: must be one of json, regex, choice, grammar, "
            "json_object, disable_any_whitespace",
        ),
        ({"structured_outputs": {"json": 3}}, "structured_outputs.json: must be a schema, got 3"),
        ({"structured_outputs": {"regex": 3}}, "structured_outputs.regex: must be a text, got 3"),
        (
            {"structured_outputs": {"choice": "a"}},
            "structured_outputs.choice: must be a list of texts, got 'a'",
        ),
        (
            {"structured_outputs": {"json_object": 1}},
            "structured_outputs.json_object: must be true, got 1",
        ),
        (
            {"structured_outputs": {"regex": "a", "disable_any_whitespace": True}},
            "structured_outputs.disable_any_whitespace: must be true or false, and stand beside "
            "json or json_object, got True",
        ),
        (
            {"response_format": {"type": "xml"}},
            "response_format.type: must be text, json_object or json_schema, got 'xml'",
        ),
        (
            {"response_format": {"type": "text", "json_schema": {}}},
            "response_format.json_schema: must be one of type",
        ),
        (
            {"response_format": {"type": "json_schema"}},
            "response_format.json_schema: must be an object, got None",
        ),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"name": "n"}}},
            "response_format.json_schema.schema: must be given, got none",
        ),
        (
            {"structured_outputs": {"regex": "a"}, "response_format": FORMAT},
            "structured_outputs: must be given without response_format, got both",
        ),
    ],
)
def test_wrong_fields(request_fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        asked_language(request_fields)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("regex", "(a", "structured_outputs.regex: regex, column 3: parentheses must be balanced"),
        ("choice", [], "structured_outputs.choice: choices must name at least one text"),
        (
            "json",
            {"uniqueItems": True},
            "structured_outputs.json: JSON Schema, uniqueItems at /: must have maxItems <= 1",
        ),
    ],
)
def test_languages_that_are_refused(field: str, value: Any, message: str) -> None:
    with pytest.raises(GrammarError) as caught:
        asked_language({"structured_outputs": {field: value}})
    assert str(caught.value).startswith(message)
