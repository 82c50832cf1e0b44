"""The general engine: equal to enumeration, and to the engine of grammars over bytes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grammar import EmptyLanguageError, LimitError, Vocabulary, compile_grammar, ebnf
from grammar.general import lattice, passes
from grammar.general.convert import over_characters
from grammar.general.lattice import compile_lexed
from grammar.general.lexicon import Lexed, Lexicon, Terminal
from grammar.nodes import Alt, Call, Grammar, Node, Repeat, Seq, literal
from grammar.regex import parse
from tests.grammar.test_enumeration import TOKENS, grammars
from tests.reference import lexed as reference


@settings(max_examples=30)
@given(grammar=grammars(), texts=TOKENS, must_stop=st.booleans(), data=st.data())
def test_equals_the_engine_of_bytes(
    grammar: Grammar, texts: list[bytes], must_stop: bool, data: st.DataObject
) -> None:
    vocabulary = Vocabulary([*texts, None, None], frozenset({len(texts)}))
    cell = st.just(-1) | st.integers(-1, len(texts) + 1)
    canvas = data.draw(st.lists(cell, max_size=8))
    try:
        want = compile_grammar(grammar, vocabulary, must_stop)
    except EmptyLanguageError:
        with pytest.raises(EmptyLanguageError):
            compile_lexed(over_characters(grammar), vocabulary, must_stop)
        return
    got = compile_lexed(over_characters(grammar), vocabulary, must_stop, active=None)
    assert got.feasible(canvas) == want.feasible(canvas)
    np.testing.assert_array_equal(got.admissible(canvas), want.admissible(canvas))


TERMINALS = {
    "NAME": Terminal(parse("[ab]+")),
    "WORD": Terminal(parse("ab"), (1,)),
    "ODD": Terminal(parse("a(bb)*|é")),
    ">": Terminal(literal(">"), (1,)),
    ">>": Terminal(literal(">>"), (1,)),
    "NOTE": Terminal(parse("(>>>)b?")),
    "GAP": Terminal(parse(" +")),
    "KEPT": Terminal(parse("ba"), (2,)),
}
LEXED_TOKENS = st.lists(
    st.sampled_from([b"a", b"b", b">", b" ", b"ab", b"b>", b">>", b"a >", b"> ", b"bb", b">>>"])
    | st.sampled_from(["é".encode()[:1], "é".encode()[1:], b"ba"]),
    min_size=2,
    max_size=5,
)


@st.composite
def lexed(draw: st.DrawFn) -> Lexed:
    rules = ["start", "x", "y"][: draw(st.integers(1, 3))]
    used = draw(st.lists(st.sampled_from(sorted(TERMINALS)), min_size=2, max_size=5, unique=True))
    ignored = frozenset(draw(st.sampled_from([[], ["GAP"], ["NOTE"]]))) & set(used)
    leaves = st.sampled_from([*rules, *sorted(set(used) - ignored) * 2]).map(Call)

    def joined(part: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
        parts = st.lists(part, min_size=1, max_size=3).map(tuple)
        bounds = st.sampled_from([(0, None), (0, 1), (1, None), (2, 3)])
        repeats = st.builds(lambda node, pair: Repeat(node, *pair), part, bounds)
        return st.one_of(parts.map(Seq), parts.map(Seq), parts.map(Alt), repeats)

    sides = st.recursive(leaves, joined, max_leaves=5)
    longest = draw(st.booleans())
    split = ((b">", b">"),) if longest and {">", ">>"} <= set(used) and draw(st.booleans()) else ()
    lexicon = Lexicon({name: TERMINALS[name] for name in used}, ignored, longest, split)
    return Lexed({name: Alt((draw(sides), draw(sides))) for name in rules}, lexicon=lexicon)


def check(
    grammar: Lexed, texts: list[bytes], must_stop: bool, canvas: list[int], active: int | None
) -> None:
    tokens, stops = [*texts, None, None], frozenset({len(texts)})
    valid = reference.fillings(grammar, tokens, stops, canvas, must_stop)
    try:
        language = compile_lexed(grammar, Vocabulary(tokens, stops), must_stop, active)
    except EmptyLanguageError:
        assert not valid
        return
    want = np.zeros((len(canvas), len(tokens)), np.bool_)
    for filled in valid:
        want[np.arange(len(canvas)), filled] = True
    got = language.admissible(canvas)
    assert language.feasible(canvas) == language.masks(canvas).feasible == bool(valid)
    if active is None:
        np.testing.assert_array_equal(got, want)
    else:
        assert not (got & ~want).any()
        every = dict.fromkeys(range(len(canvas)), range(language.num_classes))
        told = language.masks(canvas, every).classes  # by several plans at each hole
        np.testing.assert_array_equal(told, language.with_active(None).masks(canvas).classes)


@settings(max_examples=30)
@given(grammar=lexed(), texts=LEXED_TOKENS, must_stop=st.booleans(), data=st.data())
def test_equals_enumeration(
    grammar: Lexed, texts: list[bytes], must_stop: bool, data: st.DataObject
) -> None:
    cell = st.just(-1) | st.integers(-1, len(texts) + 1)
    canvas = data.draw(st.lists(cell, max_size=4))
    active = data.draw(st.sampled_from([None, None, 2]))
    check(grammar, texts, must_stop, canvas, active)


@pytest.mark.parametrize("compiled", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_long_canvases(compiled: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """No answer changes by folds, by looking ahead or by going on from the last canvas.

    Compiled or plain, as the engine of grammars over bytes says.
    """
    if compiled:
        pytest.importorskip("numba", reason="numba is absent (extra: grammar)")
        monkeypatch.setattr(lattice, "PLAIN", 0)
    monkeypatch.setattr(passes, "FOLD", 3)
    monkeypatch.setattr(passes, "NEAR", 2)
    grammar = ebnf('s ::= a*  a ::= "(" s ")" | "[" s "]" | b  b ::= "x" | b "y" b')
    texts = [b"(", b")", b"[", b"]", b"x", b"(x)", b"xyx", b"((x", b"])", b"()", b"y"]
    vocabulary = Vocabulary([*texts, None], frozenset({len(texts)}))
    want = compile_grammar(grammar, vocabulary)
    got = compile_lexed(over_characters(grammar), vocabulary, active=None)
    kernels = got._passes.kernels
    if not compiled:
        monkeypatch.setattr(kernels.fold, "MANY", -1000)
    rng, folded = np.random.default_rng(0), False
    for _ in range(8 if compiled else 1):
        canvas = [-1] * (60 if compiled else 18)
        while -1 in canvas:
            allowed, after = want.admissible(canvas), list(canvas)
            np.testing.assert_array_equal(got.admissible(canvas), allowed)
            holes = np.flatnonzero(np.asarray(canvas) < 0)
            for position in holes[: rng.integers(1, 9)] if rng.integers(4) else holes[-2:]:
                after[position] = int(rng.choice(np.flatnonzero(allowed[position])))
            assert got.feasible(after) == want.feasible(after)
            folded |= bool(got._passes.room.counters[kernels.tables.BASE])
            canvas = want.keep(canvas, after, rng.random(len(canvas)).tolist())
    assert folded


def brackets() -> lattice.Lattice:
    """Tokens are `(`, `)`, `[`, `]`."""
    grammar = over_characters(ebnf('s ::= a*  a ::= "(" s ")" | "[" s "]"'))
    texts = [b"(", b")", b"[", b"]"]
    return compile_lexed(grammar, Vocabulary([*texts, None], frozenset({4})), active=None)


def test_an_interrupted_pass_is_not_gone_on_from(monkeypatch: pytest.MonkeyPatch) -> None:
    """A signal that comes while compiled code runs is told as soon as that returns."""
    language = brackets()
    want = language.admissible([0, -1, -1, -1])
    kernels = language._passes.kernels
    forward = kernels.forward

    def interrupted(*arguments: object) -> None:
        forward(*arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(kernels, "forward", interrupted)
        with pytest.raises(KeyboardInterrupt):
            language.admissible([2, -1, -1, -1])
    np.testing.assert_array_equal(language.admissible([0, -1, -1, -1]), want)


def test_the_limit_on_room_lasts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A canvas that is refused does not raise what the next one may take."""
    monkeypatch.setattr(passes, "SMALL", 1 << 10)
    monkeypatch.setattr(passes, "ROOM", 1 << 11)
    language = brackets()
    for _ in range(2):
        with pytest.raises(LimitError, match="at most 2048 words of memory"):
            language.feasible([-1] * 24)
        assert language._passes.size <= passes.ROOM
    assert language.feasible([0, -1])
