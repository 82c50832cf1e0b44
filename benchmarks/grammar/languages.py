"""The languages that are measured."""

from typing import Any

from grammar import Grammar, choices, json_schema, lark_grammar, regex, shipped
from grammar.nodes import Seq

DATES = r'\[("[0-9]{4}-[0-9]{2}-[0-9]{2}"(, ?)?)+\]'

RECORD = (
    r'\{"name": "[a-zA-Z ]{1,40}", "age": (0|[1-9][0-9]{0,2}), "tags": \[("[a-z]+"(, "[a-z]+")*)?\]'
    r', "born": "[0-9]{4}-[0-9]{2}-[0-9]{2}", "active": (true|false)\}'
)
"""What a schema without recursion becomes: a regular language."""


def language(name: str) -> Grammar:
    """By name: a shipped grammar, `dates`, `record`, `wide` or `schema`."""
    if name in ("dates", "record"):
        return regex({"dates": DATES, "record": RECORD}[name])
    if name == "wide":
        return _wide()
    if name == "schema":
        return json_schema(_schema())
    return lark_grammar(shipped(name))


NAMES = ("json", "wide", "schema", "dates", "record", "arithmetic", "smiles")


def _wide(fields: int = 40) -> Grammar:
    """An object of many fields, each any JSON: many return points."""
    json = lark_grammar(shipped("json"))
    parts = []
    for number in range(fields):
        parts += [choices([f'{"{" if not number else ","}"field{number}":']).rules["start"]]
        parts += [json.rules[json.start]]
    rules = dict(json.rules) | {"record": Seq((*parts, choices(["}"]).rules["start"]))}
    return Grammar(rules, "record")


def _schema(fields: int = 40) -> dict[str, Any]:
    """An object of many fields that may be absent, of all types: a wide schema."""
    kinds = [
        {"type": "string", "maxLength": 20},
        {"type": "integer", "minimum": 0},
        {"enum": ["red", "green", "blue", None]},
        {"type": "array", "items": {"type": "number"}},
        {"type": "boolean"},
        {"type": "object", "properties": {"next": {"$ref": "#"}}, "additionalProperties": False},
        {"type": "string", "format": "date"},
        {"anyOf": [{"type": "string"}, {"type": "null"}]},
    ]
    properties = {f"field{number}": kinds[number % len(kinds)] for number in range(fields)}
    return {"type": "object", "properties": properties, "additionalProperties": False}
