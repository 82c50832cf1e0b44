"""Recorded canvases: admissible sets of holes of one token, and holes of any length."""

import json
import re
from functools import cache
from typing import Any

import numpy as np
import pytest

from grammar import (
    MASK,
    Compiled,
    EmptyLanguageError,
    Grammar,
    Vocabulary,
    compile_grammar,
    completable,
    json_schema,
    lark_grammar,
    regex,
    shipped,
)
from grammar.general.fragments import lexings
from grammar.general.lexicon import Lexed, Lexicon, Terminal
from grammar.intersection import intersects, regular_graph
from grammar.network import build_network
from grammar.nodes import EMPTY, Alt, Call, Node, Seq
from grammar.regex import parse
from tests.grammar.languages import FIXED, bnf
from tests.shared import SHARED

FILE = SHARED / "grammar" / "grammar_cases.json"
RECORDED = json.loads(FILE.read_text()) if FILE.is_file() else None

needs_cases = pytest.mark.skipif(RECORDED is None, reason=f"recorded cases are absent: no {FILE}")


@cache
def compiled(name: str) -> Compiled:
    assert RECORDED is not None
    words = RECORDED["part_b_fixed_length"]["vocabularies"][name]
    tokens = [*(word.encode() for word in words), None]
    return compile_grammar(FIXED[name], Vocabulary(tokens, frozenset({len(words)})))


FIXED_CASES = RECORDED["part_b_fixed_length"]["cases"] if RECORDED else []


@needs_cases
@pytest.mark.parametrize(
    "case", [pytest.param(case, id=f"grammar_cases-{case['id']}") for case in FIXED_CASES]
)
def test_fixed_length(case: dict[str, Any]) -> None:
    language = compiled(case["grammar"])
    canvas = [MASK if token is None else token for token in case["canvas"]]
    assert language.feasible(canvas) == case["feasible"]
    admissible = language.admissible(canvas)
    got = {i: np.flatnonzero(admissible[int(i)]).tolist() for i in case["admissible"]}
    assert got == case["admissible"]


@cache
def recorded_grammar(name: str) -> Grammar:
    """A recorded grammar; its terminals are regular expressions, with white space behind each.

    An unescaped dollar sign in them is a bond, not an anchor.
    """
    assert RECORDED is not None
    if name == "cpp.floatNumber":
        return regex(r"([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
    if name == "smiles+fence":
        smiles = recorded_grammar("smiles")
        return Grammar({**smiles.rules, "fenced": Seq((Call("S"), parse("\n?```")))}, "fenced")
    grammars = RECORDED["part_a"]["grammars"]
    grammar = grammars[name]
    lexicon = grammars[grammar["lexmap"]] if "lexmap" in grammar else grammar
    if lexicon["terminals"] == "single characters":
        return bnf(grammar["rules"], start=grammar["start"])
    space = parse("[" + "".join(lexicon["whitespace"]) + "]*") if lexicon["whitespace"] else EMPTY
    words: dict[str, Node] = {
        terminal: Seq((parse(pattern.replace("|$|", r"|\$|")), space))
        for terminal, pattern in lexicon["terminals"].items()
    }
    return bnf(grammar["rules"], words)


KEYWORDS = """for if while return else break continue include using namespace binop_word
unop_word typedef switch case default const"""
WORDS = frozenset(KEYWORDS.split())
"""Terminals of the recorded C++ that no identifier may be."""


@cache
def recorded_lexicon(name: str) -> Lexicon:
    """Recorded terminals above a lexer. The longest match does what marks of words do."""
    assert RECORDED is not None
    lexicon = RECORDED["part_a"]["grammars"][name]
    inside = {own for names in lexicon.get("subtokens", {}).values() for own in names}
    terminals = {
        terminal: Terminal(
            parse(re.sub(r"\\x0[23]\??", "", pattern).removesuffix(" minus the keywords")),
            (int(terminal in WORDS | inside),),
        )
        for terminal, pattern in lexicon["terminals"].items()
    }
    space = "".join(lexicon.get("whitespace", [" ", "\n", "\t"] if name == "cpp" else []))
    if not space:
        return Lexicon(terminals)
    ignored = {"white space": Terminal(parse(f"[{space}]+"))}
    return Lexicon(terminals | ignored, frozenset(ignored))


@cache
def recorded_cpp() -> Lexed:
    assert RECORDED is not None
    grammar = RECORDED["part_a"]["grammars"]["cpp"]
    lexicon = recorded_lexicon("cpp")
    sides = dict(rule.split(" -> ", 1) for rule in grammar["rules"])
    rules: dict[str, Node] = {name: spelled(side) for name, side in sides.items()}
    return Lexed(rules, grammar["start"], (), lexicon)


def spelled(side: str) -> Node:
    bodies = [
        Seq(tuple(Call(word) for word in body.split() if word != "$")) for body in side.split(" | ")
    ]
    return Alt(tuple(bodies))


def language_of(name: str) -> Grammar:
    assert RECORDED is not None
    if name == "cpp":
        return recorded_cpp()
    if name.startswith("schema."):
        return json_schema(RECORDED["part_a"]["grammars"][name]["schema"])
    return recorded_grammar(name)


def cuts(case: dict[str, Any]) -> set[tuple[Any, ...]]:
    """The lexings of a fragment, as they are recorded: names, and the texts of partial lexemes."""
    lexicon = recorded_lexicon(case["grammar"])
    found = lexings(lexicon, case["input"]["text"], case["input"]["is_first"])
    return {
        (
            tuple(min(names) for names in own.terminals),
            None if own.first is None else own.first.decode(),
            None if own.last is None else own.last.decode(),
        )
        for own in found
    }


def holds(case: dict[str, Any]) -> bool:
    """The answer to a case of unbounded holes, in the record's own terms."""
    if case["kind"] == "completion-language":
        lexicon = recorded_lexicon(case["grammar"])
        word = Seq(tuple(map(Call, case["input"]["terminals"])))
        only = Lexed({"word": word}, "word", (), lexicon)
        return completable(only, [*case["input"]["segments"], None])
    grammar, asked = language_of(case["grammar"]), case["input"]
    match case["kind"]:
        case "terminal-membership":
            return completable(grammar, ["".join(asked)])
        case "text-membership" | "schema-membership":
            return completable(grammar, [asked["text"]])
        case "partial-completable":
            fragments = asked["segments"]
            ended = "<EOS>" in fragments
            return completable(
                grammar, fragments[: fragments.index("<EOS>")] if ended else [*fragments, None]
            )
        case "cfg-regex-intersection-empty":
            graph = regular_graph(build_network(regex(asked["regex"])))
            return not intersects(build_network(grammar), graph)
    try:
        accepts = completable(grammar, [""])
    except EmptyLanguageError:
        return asked["property"] == "language_empty"
    return accepts and asked["property"] == "accepts_epsilon"


UNBOUNDED = RECORDED["part_a"]["cases"] if RECORDED else []


QUICK = {"text-membership-050", "text-membership-053", "partial-completable-022"}
"""Of the cases of large grammars, those that are always looked at."""


def marks(case: dict[str, Any]) -> list[Any]:
    """Long texts and large grammars take seconds each."""
    large = case["grammar"] in ("cpp", "schema.vehicle") and case["kind"] != "no-lexing-blowup"
    return [pytest.mark.slow] if large and case["id"] not in QUICK else []


@needs_cases
@pytest.mark.parametrize(
    "case",
    [pytest.param(case, id=f"grammar_cases-{case['id']}", marks=marks(case)) for case in UNBOUNDED],
)
def test_unbounded_holes(case: dict[str, Any]) -> None:
    if case["kind"] == "fragment-lexings":
        assert cuts(case) == {(tuple(names), *parts) for names, *parts in case["expected"]}
    elif case["kind"] == "no-lexing-blowup":
        assert 0 < len(cuts(case)) <= 200
    else:
        assert holds(case) == case["expected"]


SMILES = [case for case in UNBOUNDED if case["grammar"] == "smiles"]


@needs_cases
@pytest.mark.parametrize(
    "case", [pytest.param(case, id=f"grammar_cases-shipped-{case['id']}") for case in SMILES]
)
def test_shipped_smiles(case: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("lark", reason="the lark library is absent (extra: grammar)")
    shipped_grammar = lark_grammar(shipped("smiles"))
    monkeypatch.setattr(f"{__name__}.recorded_grammar", lambda name: shipped_grammar)
    assert holds(case) == case["expected"]
