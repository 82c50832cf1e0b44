"""The languages that are measured."""

from grammar import Grammar, choices, lark_grammar, regex, shipped
from grammar.nodes import Seq

DATES = r'\[("[0-9]{4}-[0-9]{2}-[0-9]{2}"(, ?)?)+\]'

RECORD = (
    r'\{"name": "[a-zA-Z ]{1,40}", "age": (0|[1-9][0-9]{0,2}), "tags": \[("[a-z]+"(, "[a-z]+")*)?\]'
    r', "born": "[0-9]{4}-[0-9]{2}-[0-9]{2}", "active": (true|false)\}'
)
"""What a schema without recursion becomes: a regular language."""


def language(name: str) -> Grammar:
    """By name: a shipped grammar, `dates`, `record` or `wide`."""
    if name in ("dates", "record"):
        return regex({"dates": DATES, "record": RECORD}[name])
    if name == "wide":
        return _wide()
    return lark_grammar(shipped(name))


NAMES = ("json", "wide", "dates", "record", "arithmetic", "smiles")


def _wide(fields: int = 40) -> Grammar:
    """An object of many fields, each any JSON: many return points."""
    json = lark_grammar(shipped("json"))
    parts = []
    for number in range(fields):
        parts += [choices([f'{"{" if not number else ","}"field{number}":']).rules["start"]]
        parts += [json.rules[json.start]]
    rules = dict(json.rules) | {"record": Seq((*parts, choices(["}"]).rules["start"]))}
    return Grammar(rules, "record")
