"""Lark grammars: shipped ones, what is read, what is refused."""

import ast
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from grammar import (
    MASK,
    Compiled,
    EmptyLanguageError,
    GrammarError,
    LimitError,
    Vocabulary,
    compile_grammar,
    completable,
    lark_grammar,
    regex,
    shipped,
)
from grammar.intersection import fragments_graph, intersects
from grammar.lark_limits import refuse_bombs
from grammar.network import build_network
from grammar.nodes import Grammar
from tests.shared import SHARED

pytest.importorskip("lark", reason="the lark library is absent (extra: grammar)")

PARSING = SHARED / "grammar" / "JSONTestSuite" / "test_parsing"
JSON_FILES = sorted(PARSING.glob("[yn]_*.json"))


def accepts(grammar: Grammar, text: str) -> bool:
    return completable(grammar, [text])


@pytest.mark.parametrize(
    ("name", "valid", "invalid"),
    [
        ("json", ['{"a": [1, -2.5e3, null]} ', '"\\u00e9é"', "[]"], ["{a:1}", "[1,]", '"\\q"', ""]),
        ("smiles", ["C[C@@H](N)C(=O)[O-]", "c1ccccc1.[13CH4]"], ["C(", "C>C", "[C", "=C", "[Xx]"]),
        ("arithmetic", ["1+2*(3 - -4.5)", "((7))"], ["1+", "()", "1 2", ".5", "(1"]),
    ],
)
def test_shipped(name: str, valid: list[str], invalid: list[str]) -> None:
    grammar = lark_grammar(shipped(name))
    assert [text for text in [*valid, *invalid] if accepts(grammar, text)] == valid


PYTHON = [
    "f(x, -y)[1:, ::2].z ** 2",
    "[a + 1 for a in b if a.c not in d]",
    "{1: 'é', (): None}",
    "lambda x: x if not x else ifx",
    "a <= b is not c and ~d or (1.5e-3,)",
    "notx",
]
NOT_PYTHON = ["x = 1", "if", "1if x else 2", "a == not b", "xin y", "1.real", "(a for a in)", "01"]


@pytest.mark.slow
def test_shipped_python() -> None:
    """Each text of the subset is one that Python reads."""
    grammar = lark_grammar(shipped("python_expression"))
    assert [text for text in [*PYTHON, *NOT_PYTHON] if accepts(grammar, text)] == PYTHON
    for text in PYTHON:
        ast.parse(text, mode="eval")


def test_shipped_names() -> None:
    with pytest.raises(ValueError, match=r"^a shipped grammar must be one of .*, got 'c'$"):
        shipped("c")


def test_what_is_read() -> None:
    grammar = lark_grammar(
        """
        start: list{NAME} "!"~1..2 | "x"i
        list{item}: item ("," item)*
        NAME: "a".."c" | /D/i
        %import common.WS
        %ignore WS
        """
    )
    texts = [" a , d!!", "X", "b!", "a,!", "e!", "a!!!"]
    assert [text for text in texts if accepts(grammar, text)] == texts[:3]


def test_alternatives_are_counted_rule_by_rule() -> None:
    """Indented or not, in any number of rules; a terminal's are one expression."""
    rules = "".join(f'  r{i}.1: "a"? "b"? ("c" | "d")?\n' for i in range(30))
    terminal = "A: " + '("a" | "b") ' * 30
    refuse_bombs(f"  start: r0 A\n{rules}  {terminal}\n")
    with pytest.raises(LimitError, match=r"line 2, column \d+: a rule must have at most 5000"):
        refuse_bombs("start: a\na: " + "(b | c)~2..3 " * 5)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('start: "a"\n  b: (', "Lark grammar: Expecting a value, at line 2 column 7"),
        (
            'start: "a"\n| later',
            "Lark grammar, line 2, column 3: Rule 'later' used but not defined",
        ),
        ("start: A\nA: /a(?=b)/", r"Lark grammar, terminal A: regex, column 4: a group must be"),
        ("start: A\n%declare A", "Lark grammar: every terminal must have a pattern, got 'A'"),
    ],
)
def test_refuses(text: str, message: str) -> None:
    with pytest.raises(GrammarError, match=f"(?s)^{message}"):
        lark_grammar(text)


@pytest.mark.parametrize(
    "name",
    [
        "date",
        "arithmetic",
        "json",
        "smiles",
        pytest.param("python_expression", marks=pytest.mark.slow),
    ],
)
def test_random_decodes_are_valid(name: str) -> None:
    """Any order, one to eight writes a step, tokens at random: never stuck, always in the language.

    The tokens are bytes and a few pairs that cut across terminals; the check is another algorithm.
    """
    date = regex("([0-9]{4}-[0-9]{2}(, )?)+")
    grammar = date if name == "date" else lark_grammar(shipped(name))
    tokens = [bytes([byte]) for byte in range(256)] + [b'{"', b'":', b"],", b")-", b"((", b"1-"]
    stop = len(tokens)
    language = compile_grammar(grammar, Vocabulary([*tokens, None], frozenset({stop})))
    for seed in range(4):
        canvas = random_decode(language, length=8, writes=1 + 2 * seed, seed=seed)
        text = b"".join(tokens[token] for token in canvas if token != stop)
        assert intersects(build_network(grammar), fragments_graph([text]))
        if name == "python_expression":
            ast.parse(text.decode().strip(), mode="eval")


def random_decode(language: Compiled, length: int, writes: int, seed: int) -> list[int]:
    rng = np.random.default_rng(seed)
    canvas = [MASK] * length
    while MASK in canvas:
        allowed, after = language.admissible(canvas), list(canvas)
        holes = [position for position, token in enumerate(canvas) if token == MASK]
        for position in rng.permutation(holes)[:writes]:
            after[position] = int(rng.choice(np.flatnonzero(allowed[position])))
        kept = language.keep(canvas, after, rng.random(length).tolist())
        assert kept != canvas
        canvas = kept
    return canvas


def test_page() -> None:
    """The example of the documentation, and what it says of itself."""
    page = (Path(__file__).parents[2] / "docs" / "grammar.md").read_text()
    names: dict[str, Any] = {}
    exec(re.findall(r"```python\n(.*?)```", page, re.DOTALL)[0], names)
    language, canvas, after = names["language"], names["canvas"], names["after"]
    assert language.admissible(canvas)[[2, 3, 4], after[2:]].all()
    assert not language.feasible(after)
    assert language.keep(canvas, after, [1.0, 1.0, 0.9, 0.5, 0.7]) == [0, 0, 1, -1, -1]


def test_empty_language() -> None:
    with pytest.raises(EmptyLanguageError, match="a language must have a text, got none"):
        completable(lark_grammar('start: "a" start'), [""])


@pytest.mark.skipif(not JSON_FILES, reason=f"the suite is absent: no {PARSING}")
def test_json_suite() -> None:
    """Every y_ file is accepted, every n_ file is refused (some of those are not even UTF-8)."""
    network = build_network(lark_grammar(shipped("json")))
    wrong = [
        file.name
        for file in JSON_FILES
        if intersects(network, fragments_graph([file.read_bytes()])) != file.name.startswith("y_")
    ]
    assert wrong == []
    assert len(JSON_FILES) == 283
