"""Grammars over lexemes: shipped ones, directives of Lark files, fragments, the disk, bad input."""

import ast
import sqlite3
import warnings
from pathlib import Path

import numpy as np
import pytest

from grammar import (
    MASK,
    GrammarError,
    InfeasibleError,
    LimitError,
    Vocabulary,
    compile_grammar,
    completable,
    lark_grammar,
    shipped,
)
from grammar.disk import compile_cached
from grammar.general.fragments import lexings
from grammar.general.lattice import Lattice
from grammar.general.lexicon import Lexed, Lexicon, Terminal
from grammar.nodes import Alt, Call, Grammar, Repeat, Seq, literal
from grammar.regex import parse

pytest.importorskip("lark", reason="the lark library is absent (extra: grammar)")

CPP = """#include <vector>
std::vector<std::vector<int>> grow(const std::vector<int>& rows, int n = 2) {
    std::vector<std::vector<int>> made(n);  // a note
    for (int i = 0; i < n; i++) { made[i].push_back(rows[i] >> 1 ? -n : f<int>(i)); }
    if (!n) return made; else while (n --> 0) continue;
    return made;
}
"""
PYTHON = """
def f(a, b=1):
    if a < b and not a:
        return [x for x in range(a) if x]

    # a note
    x.y[1:2] = a, b
class C(D): pass
"""
SQL = (
    "SELECT a.b AS c, count(*) FROM a LEFT JOIN t ON a.i = t.i "
    "WHERE x IN (select 1) or y like 'z'''"
)


@pytest.mark.parametrize(
    ("name", "text", "wrong"),
    [
        ("sql_select", SQL, ("AS c", "AS from")),
        *(
            pytest.param(*case, marks=pytest.mark.slow)
            for case in (
                ("cpp", CPP, ("made;\n}", "made\n}")),
                ("python", PYTHON, ("        return", "      return")),
                ("cpp", CPP, ("int n = 2", "int if = 2")),
                ("cpp", CPP, ("for (int i", "for int i")),
                ("python", PYTHON, ("(a) if x]", "(a) if x")),
                ("python", PYTHON, ("class C", "classC")),
                ("sql_select", SQL, ("'z'''", "'z''")),
            )
        ),
    ],
)
def test_shipped(name: str, text: str, wrong: tuple[str, str]) -> None:
    grammar = lark_grammar(shipped(name))
    assert completable(grammar, [text])
    assert not completable(grammar, [text.replace(*wrong)])


@pytest.mark.slow
def test_holes() -> None:
    grammar = lark_grammar(shipped("cpp"))
    assert completable(grammar, ["int f() { ret", None, "urn 1; ", None, "}"])
    assert completable(grammar, ["int f() { ret", None, "; }"])
    assert not completable(grammar, ["int f() { return ) ", None])


def byte_vocabulary(*extra: bytes) -> Vocabulary:
    tokens = [bytes([byte]) for byte in range(256)] + list(extra)
    return Vocabulary([*tokens, None], frozenset({len(tokens)}))


def decode(language: Lattice, canvas: list[int], seed: int) -> bytes:
    """Any order, one to four writes a step, tokens at random: never stuck."""
    rng = np.random.default_rng(seed)
    while MASK in canvas:
        allowed, after = language.admissible(canvas), list(canvas)
        holes = [position for position, token in enumerate(canvas) if token == MASK]
        for position in rng.permutation(holes)[: rng.integers(1, 5)]:
            after[position] = int(rng.choice(np.flatnonzero(allowed[position])))
        kept = language.keep(canvas, after, rng.random(len(canvas)).tolist())
        assert kept != canvas
        canvas = kept
    tokens = language.vocabulary
    return b"".join(tokens.written(token) for token in canvas)


def check_python(text: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ast.parse(text)


def check_sql(text: str) -> None:
    said = ""
    try:
        sqlite3.connect(":memory:").execute(f"EXPLAIN {text}")
    except sqlite3.Error as error:
        said = str(error)
    assert "syntax error" not in said, text
    assert "incomplete" not in said, text


@pytest.mark.slow
@pytest.mark.parametrize("name", ["cpp", "python", "sql_select"])
def test_random_decodes_are_valid(name: str) -> None:
    extra = (b"if ", b"return ", b"x = ", b"\n    ", b"def f():", b"SELECT ", b" from ", b"int f(")
    language = compile_grammar(lark_grammar(shipped(name)), byte_vocabulary(*extra))
    assert isinstance(language, Lattice)
    grammar = lark_grammar(shipped(name))
    for seed in range(12):
        begin = [] if name != "cpp" else [263, ord("i")]
        text = decode(language, [*begin, *[MASK] * 10], seed).decode()
        assert completable(grammar, [text])
        if name != "cpp":
            (check_python if name == "python" else check_sql)(text)


DIRECTED = """
//% lexing: longest
//% reserved: as
start: ("if" NAME | NAME "-" NAME)+
NAME: /[a-z]+/
SPACE: " "
%ignore SPACE
"""


def test_directives() -> None:
    grammar = lark_grammar(DIRECTED)
    texts = ["if a", "ifa - b", "a-b if c", "if if", "ifa", "if as", "a--b"]
    assert [text for text in texts if completable(grammar, [text])] == texts[:3]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("//% lexing: shortest", "line 2: a directive must be"),
        ("//% split: > >", "directives need `lexing: longest`"),
        ("//% lexing: longest\n//% indent: 0 spaces, 2 levels", "indent: width must be at least 1"),
    ],
)
def test_bad_directives(line: str, message: str) -> None:
    with pytest.raises(GrammarError, match=message):
        lark_grammar(f'start: "a"\n{line}\n')


def test_wanted_classes() -> None:
    """Where classes are named, no others are looked at."""
    lexicon = Lexicon({"A": Terminal(literal("a")), "B": Terminal(literal("b"))})
    either = Alt((Call("A"), Call("B")))
    vocabulary = Vocabulary([b"a", b"b"])
    language = compile_grammar(Lexed({"start": Seq((either, either))}, lexicon=lexicon), vocabulary)
    assert isinstance(language, Lattice)
    a = int(language.class_of_token()[0])
    assert language.masks([MASK, MASK]).classes[:, :2].all()
    told = language.masks([MASK, MASK], wanted={0: [a]}).classes
    assert np.flatnonzero(told[0]).tolist() == [a]
    assert told[1, :2].all()


def test_what_is_not_active_is_found() -> None:
    """A canvas is refused only if no class at all fits; what fits is never left without a token."""
    names = ["a", "b", "c"]
    lexicon = Lexicon({name: Terminal(literal(name)) for name in names})
    start = Seq((Call("a"), Alt((Call("a"), Call("b"))), Call("c")))
    vocabulary = Vocabulary([b"a", b"b", b"c", b"ab", None], frozenset({4}))
    language = compile_grammar(Lexed({"start": start}, lexicon=lexicon), vocabulary)
    assert isinstance(language, Lattice)
    narrow = language.with_active(1)
    assert narrow.narrow
    for canvas in ([MASK, MASK, 2], [0, MASK, 2], [MASK, 2, MASK, MASK], [3, MASK]):
        assert narrow.feasible(canvas)
        narrow.require(canvas)
        told = narrow.admissible(canvas)
        assert told.any(axis=-1).all()
        assert not (told & ~language.admissible(canvas)).any()
    b = narrow.unseen([1])
    assert len(b) == 1
    assert narrow.masks_with([0, MASK, 2], b).classes[1, b[0]]
    with pytest.raises(InfeasibleError, match="a hole must have at least 2 tokens, got 1"):
        narrow.require([MASK])
    with pytest.raises(InfeasibleError, match="the hole at position 1 must have 1 tokens, got 2"):
        narrow.require([0, MASK, MASK, 2])
    with pytest.raises(InfeasibleError, match="a canvas must have a filling in the language, got"):
        narrow.require([2, MASK, 2])


def test_kept_on_disk(tmp_path: Path) -> None:
    vocabulary = byte_vocabulary(b"if ")
    first = compile_cached(lark_grammar(DIRECTED), vocabulary, tmp_path)
    (file,) = tmp_path.iterdir()
    made = file.stat().st_mtime_ns
    again = compile_cached(lark_grammar(DIRECTED), vocabulary, tmp_path)
    assert file.stat().st_mtime_ns == made
    canvas = [256, *[MASK] * 3]
    np.testing.assert_array_equal(again.admissible(canvas), first.admissible(canvas))
    assert first.least_tokens(8) == 2


def test_what_blows_up_is_refused() -> None:
    """Cuts of a token are counted, and cycles of rules have an end."""
    free = Lexicon({name: Terminal(literal(name)) for name in ("a", "aa", "aaa")}, longest=False)
    part = Alt((Call("a"), Seq((Call("aa"), Call("a"))), Call("aaa"), Call("aa")))
    many = Lexed({"start": Repeat(part, 1, None)}, lexicon=free)
    with pytest.raises(LimitError, match="ambiguous lexing: a token must be cut in at most 256"):
        compile_grammar(many, Vocabulary([b"a" * 12]))
    with pytest.raises(LimitError, match="a fragment must be cut in at most 10000 ways"):
        lexings(free, "a" * 40)
    cycle = Lexed(
        {"start": Alt((Call("x"), Call("A"))), "x": Alt((Call("start"), Call("x")))},
        lexicon=Lexicon({"A": Terminal(literal("a"))}),
    )
    assert compile_grammar(cycle, Vocabulary([b"a"])).feasible([MASK])
    assert not compile_grammar(cycle, Vocabulary([b"a"])).feasible([MASK, MASK])


def test_bad_lexicons() -> None:
    empty = Lexed({"start": Call("A")}, lexicon=Lexicon({"A": Terminal(parse("a*"))}))
    with pytest.raises(GrammarError, match="a terminal must not match the empty text, got 'A'"):
        compile_grammar(empty, Vocabulary([b"a"]))
    with pytest.raises(GrammarError, match="an ignored terminal must be defined, got 'B'"):
        Lexicon({}, frozenset({"B"}))
    with pytest.raises(GrammarError, match="must be a rule or a terminal, got both for 'A'"):
        Lexed({"A": Call("A")}, "A", (), Lexicon({"A": Terminal(literal("a"))}))
    assert isinstance(Lexed({"A": literal("a")}, "A"), Grammar)
