"""Random garbage for the front ends: it is compiled or refused as a grammar, in bounded time.

A program, which the tests run without their type checker: it says how many grammars were compiled,
and fails at the first that ends otherwise.
"""

import random
import sys
import time
from collections.abc import Callable
from typing import Any

from grammar import GrammarError, Vocabulary, compile_grammar, json_schema, lark_grammar, regex
from grammar.json_schema.expander import OUTER
from grammar.json_schema.keywords import KEYWORDS
from grammar.nodes import Grammar

QUICK = 3.0
"""Seconds of processor time for one grammar."""

VOCABULARY = Vocabulary([bytes([byte]) for byte in range(256)])
PIECES = [*"ab.*+?|()[]{}^$\\-,019 é", "[^a]", "{2,3}", "{0,300}", "(?:", r"\d", r"\u00e9", "(?i:"]
LARKS = [
    *'abA:|()[]?*+~!%_/."\n ',
    "start: ",
    "start",
    '"a"',
    "/a+/",
    "\nb: ",
    "\nA: ",
    "~1..3",
    "%ignore ",
    "%import common.WS",
    "%declare ",
    "{x}",
    "->",
]
NAMES = ["a", "b", "$ref", "#", "#/$defs/a", "string", "object", "array", "integer", "^a+", "date"]


def text(rng: random.Random, pieces: list[str], most: int) -> str:
    return "".join(rng.choices(pieces, k=rng.randrange(most)))


def value(rng: random.Random, depth: int) -> Any:
    """Schemas, what looks like one, and what does not."""
    kind = rng.randrange(8) if depth else rng.randrange(4)
    if kind == 0:
        return rng.choice(
            [True, False, None, 0, 1, -1, 2.5, 10**30, 1e300, 20_000, 1e-9, float("nan")]
        )
    if kind in (1, 2, 3):
        return rng.choice([*NAMES, text(rng, PIECES, 6)])
    if kind == 4:
        return [value(rng, depth - 1) for _ in range(rng.randrange(4))]
    keys = [*KEYWORDS, *OUTER, "$defs", "then", "else", "minContains", "$id", "$anchor", "a", "b"]
    return {rng.choice(keys): value(rng, depth - 1) for _ in range(rng.randrange(5))}


def survives(make: Callable[[], Grammar], what: object) -> bool:
    """Whether it was compiled; anything but a grammar's error is a failure."""
    begun = time.process_time()
    try:
        compile_grammar(make(), VOCABULARY)
    except GrammarError:
        return False
    except Exception as error:
        raise AssertionError(f"{what!r}: {error!r}") from error
    finally:
        taken = time.process_time() - begun
        assert taken < QUICK, f"{what!r}: {taken} s"
    return True


def fuzz(seed: int, schemas: int, regexes: int, larks: int) -> None:
    rng = random.Random(seed)
    kept = 0
    for _ in range(schemas):
        schema = value(rng, 4)
        kept += survives(lambda schema=schema: json_schema(schema), schema)
    for _ in range(regexes):
        pattern = text(rng, PIECES, 12)
        kept += survives(lambda pattern=pattern: regex(pattern), pattern)
    for _ in range(larks):
        garbage = "start: " + text(rng, LARKS, 12)
        kept += survives(lambda garbage=garbage: lark_grammar(garbage), garbage)
    print(kept)


if __name__ == "__main__":
    fuzz(*map(int, sys.argv[1:]))
