"""Grammars that ask for too much, or for nothing.

As a program it compiles those that it is given the names of, and says of each what came of it and
how many seconds of processor time it took. The tests run it so, because their type checker takes
several times as long as what it checks.
"""

import json
import sys
import time
from collections.abc import Callable
from typing import Any

from grammar import (
    EmptyLanguageError,
    GrammarError,
    LimitError,
    SchemaError,
    SchemaLimitError,
    Vocabulary,
    choices,
    compile_grammar,
    json_schema,
    lark_grammar,
    regex,
)
from grammar.nodes import Grammar

Refused = dict[str, tuple[Any, type[GrammarError], str]]
"""What a front end is given, the error, and what the message says (an expression)."""

WORDS = [f"{first}{second}" for first in "aeiou" for second in "bcdfg"]
VOCABULARY = Vocabulary([*(bytes([i]) for i in range(256)), *(word.encode() for word in WORDS)])


def nested(inner: Any, outer: Callable[[Any], Any], times: int) -> Any:
    for _ in range(times):
        inner = outer(inner)
    return inner


def refs(count: int) -> dict[str, Any]:
    """Each definition asks twice for the next: 2^count values, if one spells them out."""
    twice = {f"d{i}": {"prefixItems": [{"$ref": f"#/$defs/d{i + 1}"}] * 2} for i in range(count)}
    return {"$ref": "#/$defs/d0", "$defs": {**twice, f"d{count}": {"type": "null"}}}


SCHEMAS: Refused = {
    "100 MB": ('{"const": "' + 100_000_000 * "a" + '"}', SchemaLimitError, "10000000 characters"),
    "100 MB value": ({"const": 100_000_000 * "a"}, SchemaLimitError, "10000000 characters"),
    "many values": ({"enum": list(range(300_000))}, SchemaLimitError, "at most 200000 values"),
    "many numbers": ({"enum": list(range(50_000))}, SchemaLimitError, "at most 1000 numbers"),
    "many texts": ({"enum": [f"{i:06}" for i in range(50_000)]}, SchemaLimitError, "at most"),
    "many names": (
        {"properties": {f"n{i}": {"type": "null"} for i in range(20_000)}},
        SchemaLimitError,
        "at most",
    ),
    "deep text": ('{"not":' * 5000 + "{}" + "}" * 5000, SchemaLimitError, "at most 100 deep"),
    "deep value": (nested({}, lambda s: {"items": s}, 200), SchemaLimitError, "at most 100 deep"),
    "huge bound": ({"maxLength": 10**9}, SchemaLimitError, "at most 10000, got 1000000000"),
    "huge exponent": ('{"minimum": 1e999999999}', SchemaLimitError, "an exponent of at most 400"),
    "huge digits": ('{"minimum": 1' + "0" * 9000 + "}", SchemaError, "must be JSON, got Exceeds"),
    "huge integer": ({"minLength": 10**9000}, SchemaLimitError, "at most 4096 bits, got 29898"),
    "no number": ({"minimum": float("nan")}, SchemaError, "must have finite numbers, got nan"),
    "no text": ({"properties": {1: {}}}, SchemaError, "must have names that are texts"),
    "no value": ({"const": b"a"}, SchemaError, "must hold values of JSON, got a bytes"),
    "pattern": ({"pattern": "^((a?){900}){900}$"}, SchemaLimitError, "pattern at /"),
    "alternatives": (
        {"allOf": [{"anyOf": [{"required": [f"{i}{j}"]} for j in "abc"]} for i in range(20)]},
        SchemaLimitError,
        "at most",
    ),
    "endless reference": ({"$ref": "#"}, SchemaError, "must not lead back to itself"),
    "no such reference": ({"$ref": "#/$defs/x"}, SchemaError, "must lead to a schema"),
    "not JSON": ('{"type": ]', SchemaError, "must be JSON, got .*line 1 column 10"),
    "contradictory": (
        {"type": "string", "enum": [1]},
        EmptyLanguageError,
        "a schema must match some value",
    ),
    "contradictory inside": (
        {"type": "object", "properties": {"a": {"allOf": [{"type": "null"}, {"const": 1}]}}}
        | {"required": ["a"]},
        EmptyLanguageError,
        "a schema must match some value",
    ),
}

REGEXES: Refused = {
    "two quantifiers": ("(a?){1000}{1000}", GrammarError, "column 11: a quantifier must follow"),
    "nested counts": ("((a?){1000}){1000}", LimitError, "at most 50000 states"),
    "many options": ("(a?){10000}b", LimitError, "at most"),
    "counted subsets": ("(a|b)*a(a|b){40}", LimitError, "at most"),
    "counted words": (r"(\w{1,300} ?){1,300}", LimitError, "at most"),
    "any characters": (".{10000}", LimitError, "at most 50000 states"),
    "deep": ("(" * 10_000 + "a" + ")" * 10_000, LimitError, "groups must nest at most 50 deep"),
    "unbalanced": ("(" * 10, GrammarError, "column 11: parentheses must be balanced"),
    "huge bound": ("a{99999999999999}", LimitError, "a bound must be at most 10000"),
    "huge": ("a" * 60_000, LimitError, "at most 50000 states"),
}

LARKS: Refused = {
    "undefined": ('start: "a"\n  | other "b"', GrammarError, "line 2, column 5: .*'other' used"),
    "syntax": ('start: "a\n', GrammarError, "line 1"),
    "empty": ('start: start "a"', EmptyLanguageError, "a language must have a text"),
    "deep": ("start: " + "(" * 3000 + '"a"' + ")" * 3000, LimitError, "nest at most"),
    "large": (
        "start: A\n" + "".join(f'A{i}: "a"\n' for i in range(200_000)),
        LimitError,
        "at most",
    ),
    "options": ("start: " + " ".join(f'"a{i}"?' for i in range(40)), LimitError, "at most"),
    "products": ("start: " + '("a" | "b") ' * 40, LimitError, "at most"),
    "repeats": ('start: ("a" | "b")~30', LimitError, "line 1, column 19: a rule must have at most"),
    "nullable": ("start: A\nA: /a*/", GrammarError, "terminal A: must not match the empty text"),
    "terminal": ("start: A\nA: /((a?){900}){900}b/", LimitError, "at most 50000 states"),
    "templates": ('start: t{"a"}\nt{x}: x t{t{x}}', LimitError, "line 2, column 12: a template"),
}

HARD: dict[str, Callable[[], Grammar]] = {
    "a long cycle": lambda: regex("(a{3000})*"),
    "a long chain": lambda: regex("[a-z]{0,10000}"),
    "options": lambda: regex("(a?){300}b"),
    "a hard sum": lambda: regex("(a|b)*a(a|b){9}"),
    "many choices": lambda: choices([f"{i:05}" for i in range(5_000)]),
    "shared definitions": lambda: json_schema(refs(60)),
    "a long text": lambda: json_schema({"type": "string", "maxLength": 200}),
    "a small step": lambda: json_schema({"multipleOf": 1e-300}),
    "repeated repeats": lambda: lark_grammar('start: ("a"~1..60)~1..60'),
    "any order": lambda: json_schema(
        {"properties": {name: {"type": "string"} for name in "abcde"}, "required": list("abcde")}
    ),
}
"""Grammars that look like bombs and are compiled: how much time they take is bounded, too."""

HEAVY = {
    "schema many names",
    "schema many texts",
    "schema pattern",
    "regex many options",
    "regex counted subsets",
    "regex counted words",
    "regex huge",
    "hard a long cycle",
    "hard repeated repeats",
    "hard many choices",
    "hard shared definitions",
}
"""Those that take longest; run with the slow tests."""

REFUSED: Refused = {
    f"{kind} {name}": refused
    for kind, table in (("schema", SCHEMAS), ("regex", REGEXES), ("lark", LARKS))
    for name, refused in table.items()
}

_READERS: dict[str, Callable[[Any], Grammar]] = {
    "schema": json_schema,
    "regex": regex,
    "lark": lark_grammar,
}


def build(name: str) -> None:
    """As far as a front end goes, and the core with some tokens."""
    kind, _, rest = name.partition(" ")
    made = HARD[rest]() if kind == "hard" else _READERS[kind](REFUSED[name][0])
    compile_grammar(made, VOCABULARY)


def told(name: str) -> dict[str, Any]:
    """What comes of a grammar."""
    error, begun = None, time.process_time()
    try:
        build(name)
    except Exception as caught:
        error = caught
    seconds = time.process_time() - begun
    kind = None if error is None else type(error).__name__
    return {"name": name, "error": kind, "message": str(error), "seconds": seconds}


if __name__ == "__main__":
    for asked in sys.argv[1:]:
        print(json.dumps(told(asked)), flush=True)
