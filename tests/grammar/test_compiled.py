"""What a compiled grammar answers beyond masks, and bad input."""

import numpy as np
import pytest

from grammar import (
    MASK,
    Compiled,
    GrammarError,
    InfeasibleError,
    Vocabulary,
    choices,
    compile_grammar,
    regex,
)
from grammar.nodes import Call, Grammar, Seq, literal
from tests.grammar.languages import json_texts

TEXTS = ["{", "}", "[", "]", '"', 'a":', ",", "1", "},{", '": [', " ", "true", "{}"]
VOCABULARY = Vocabulary([*(text.encode() for text in TEXTS), None, None], frozenset({len(TEXTS)}))
STOP = len(TEXTS)


@pytest.fixture(scope="module")
def language() -> Compiled:
    return compile_grammar(json_texts(), VOCABULARY)


@pytest.mark.parametrize("seed", range(4))
def test_random_writes_end_valid(language: Compiled, seed: int) -> None:
    """Any order, one to three writes a step, tokens drawn from the masks: never stuck."""
    rng = np.random.default_rng(seed)
    canvas = [MASK] * 10
    while MASK in canvas:
        allowed = language.admissible(canvas)
        holes = [i for i, token in enumerate(canvas) if token == MASK]
        after = list(canvas)
        for position in rng.permutation(holes)[: rng.integers(1, 4)]:
            after[position] = int(rng.choice(np.flatnonzero(allowed[position])))
        kept = language.keep(canvas, after, rng.random(len(canvas)).tolist())
        assert kept != canvas
        canvas = kept
    assert language.feasible(canvas)


def test_keep_takes_the_least_sure_back() -> None:
    language = compile_grammar(choices(["ab", "ba"]), Vocabulary([b"a", b"b"]))
    holes = [MASK, MASK]
    assert language.admissible(holes).all()
    assert language.keep(holes, [0, 0], [0.2, 0.9]) == [MASK, 0]
    assert language.keep(holes, [0, 1], [0.2, 0.9]) == [0, 1]
    with pytest.raises(InfeasibleError, match="must be completable before its holes are written"):
        language.keep([0, 0], [0, 0], [1.0, 1.0])


def test_stop_tokens(language: Compiled) -> None:
    assert not language.admissible([0, MASK, 6, MASK]).any()
    allowed = language.admissible([12, MASK, MASK, STOP])
    assert np.flatnonzero(allowed[1]).tolist() == [10, STOP]
    must = compile_grammar(choices(["{}"]), VOCABULARY, must_stop=True)
    assert not must.feasible([12])
    assert must.feasible([12, MASK])
    assert not must.feasible([12, STOP, 12])


def test_without_stop_tokens() -> None:
    """A hole is a token of the text then, at the end too."""
    language = compile_grammar(choices(["ab"]), Vocabulary([b"a", b"b"]))
    assert not language.feasible([MASK] * 3)
    assert language.admissible([MASK] * 2).tolist() == [[True, False], [False, True]]


def test_control_tokens_are_refused(language: Compiled) -> None:
    assert not language.feasible([STOP + 1, MASK])
    assert not language.admissible([MASK] * 4)[:, STOP + 1].any()


def test_classes_are_shared() -> None:
    language = compile_grammar(regex("[ab]+c"), Vocabulary([b"a", b"b", b"c", b"x", b""]))
    assert np.flatnonzero(language.admissible([0, MASK])[0]).tolist() == [0]
    numbers = language.class_of_token()
    assert numbers[0] == numbers[1] != numbers[2]
    assert numbers[3:].tolist() == [-1, -1]


def test_too_short() -> None:
    language = compile_grammar(choices(["abc"]), Vocabulary([b"a", b"b", b"c"]))
    assert language.least_tokens(8) == 3
    with pytest.raises(InfeasibleError, match=r"^a hole must have at least 3 tokens, got 2$"):
        language.require([MASK] * 2)
    with pytest.raises(InfeasibleError, match=r"^a canvas must have a filling in the language"):
        language.require([1, MASK, MASK])
    for canvas, rule in (
        ([0, MASK], "1 must have 2 tokens, got 1"),
        ([0, MASK, 1, 2], "1 must have 0"),
    ):
        with pytest.raises(InfeasibleError, match=f"^the hole at position {rule}"):
            language.require(canvas)
    other = compile_grammar(choices(["abc"]), Vocabulary([b"a", b"b"]))
    with pytest.raises(InfeasibleError, match=r"^a text must fit into 9 tokens, got a language"):
        other.least_tokens(9)


def test_bad_grammars() -> None:
    with pytest.raises(GrammarError, match=r"every rule that is called must be defined, got 'x'$"):
        compile_grammar(Grammar({"start": Call("x")}), VOCABULARY)
    endless = Grammar({"start": Seq((literal("a"), Call("start")))})
    with pytest.raises(GrammarError, match=r"^a language must have a text, got none from 'start'$"):
        compile_grammar(endless, VOCABULARY)


def test_bad_vocabularies(language: Compiled) -> None:
    with pytest.raises(ValueError, match=r"^a vocabulary must have a token that writes bytes"):
        Vocabulary([None, b""])
    with pytest.raises(ValueError, match=r"^stop_ids must be in \[0, 1\), got 4$"):
        Vocabulary([b"a"], frozenset({4}))
    with pytest.raises(
        ValueError, match=r"^tokens of a canvas must be in \[0, 15\) or -1, got 15$"
    ):
        language.masks([15])
