"""The passes without a stack against those with one, on languages that need none."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grammar import (
    MASK,
    EmptyLanguageError,
    Vocabulary,
    choices,
    compile_grammar,
    json_schema,
    regex,
)
from grammar.classes import build_classes
from grammar.compiled import Compiled
from grammar.flatten import flatten, stackless
from grammar.machine import build_machine
from grammar.network import build_network
from grammar.nodes import Alt, Call, Grammar, Seq, literal
from tests.grammar.languages import json_texts
from tests.grammar.test_enumeration import TOKENS, nodes


@st.composite
def regular_grammars(draw: st.DrawFn) -> Grammar:
    """No rule calls itself, but `z` at its end."""
    tail = Alt((draw(nodes(["z"])), Seq((literal("b"), Call("z")))))
    calls = {"start": ["x", "y", "z"], "x": ["y", "z"], "y": ["z"]}
    ends = (
        {"z": Alt((literal("a"), Seq((literal("ab"), Call("z")))))} if draw(st.booleans()) else {}
    )
    rules = {
        name: Alt((draw(nodes(called)), draw(nodes(called)))) for name, called in calls.items()
    }
    return Grammar(rules | (ends or {"z": literal("é")}) | {"unused": tail})


def with_stack(grammar: Grammar, vocabulary: Vocabulary, must_stop: bool) -> Compiled:
    """The same language by its plain machine and the passes with a stack."""
    machine = build_machine(build_network(grammar))
    made = Compiled(machine, build_classes(machine, vocabulary), vocabulary, must_stop)
    made.__dict__["regular"] = None
    return made


QUESTIONS: dict[str, Any] = {
    "grammar": regular_grammars(),
    "texts": TOKENS,
    "must_stop": st.booleans(),
    "data": st.data(),
}


@settings(max_examples=20)
@given(**QUESTIONS)
def test_agrees_with_the_stack(**question: Any) -> None:
    check(**question)


@pytest.mark.slow
@settings(max_examples=1_000)
@given(**QUESTIONS)
def test_agrees_with_the_stack_often(**question: Any) -> None:
    check(**question)


def check(grammar: Grammar, texts: list[bytes], must_stop: bool, data: st.DataObject) -> None:
    vocabulary = Vocabulary([*texts, None, None], frozenset({len(texts)}))
    cell = st.just(MASK) | st.integers(MASK, len(texts) + 1)
    canvases = data.draw(st.lists(st.lists(cell, max_size=12), min_size=1, max_size=4))
    try:
        language = compile_grammar(grammar, vocabulary, must_stop)
    except EmptyLanguageError:
        return
    assert language.regular is not None
    other = with_stack(grammar, vocabulary, must_stop)
    for canvas in canvases:
        assert language.feasible(canvas) == other.feasible(canvas)
        np.testing.assert_array_equal(language.admissible(canvas), other.admissible(canvas))


SCHEMA = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "maxLength": 6},
        "age": {"type": "integer", "minimum": 0},
        "tags": {"type": "array", "items": {"enum": ["a", "b", None]}},
    },
    "required": ["name"],
    "additionalProperties": False,
}
PIECES = [
    '{"',
    '":',
    '"name',
    '": "',
    '"}',
    ", ",
    '"age"',
    "1",
    "20",
    '"tags": [',
    "null",
    "]",
    "a",
]
BYTES = [bytes([byte]) for byte in range(256)]


def test_agrees_on_a_schema() -> None:
    """Random decodes: any order, each canvas on the way judged by both."""
    vocabulary = Vocabulary([*BYTES, *(piece.encode() for piece in PIECES), None], frozenset({269}))
    language = compile_grammar(json_schema(SCHEMA), vocabulary)
    assert language.regular is not None
    other = with_stack(json_schema(SCHEMA), vocabulary, False)
    rng = np.random.default_rng(0)
    canvas = [MASK] * 14
    for position in rng.permutation(14)[::2]:
        allowed = language.admissible(canvas)
        np.testing.assert_array_equal(allowed, other.admissible(canvas))
        canvas[position] = int(rng.choice(np.flatnonzero(allowed[position])))
    assert language.feasible(canvas)


@pytest.mark.parametrize("whole", [1, 63, 64, 65, 200])
def test_any_number_of_holes(whole: int) -> None:
    """Holes are bits of words: all of a row, a word, and what is left of one."""
    language = compile_grammar(
        regex("a(ba)*"), Vocabulary([b"a", b"b", b"ab", None], frozenset({3}))
    )
    allowed = language.admissible([MASK] * whole)
    assert allowed.shape == (whole, 4)
    assert allowed[0].tolist() == [True, False, whole > 1, False]


def test_chosen_by_itself() -> None:
    """Engines are chosen by what a language needs, not by how it is written."""
    vocabulary = Vocabulary([b"a", b"b"])
    ends = Grammar({"start": Alt((literal("a"), Seq((literal("b"), Call("start")))))})
    nested = Grammar(
        {"start": Alt((literal("a"), Seq((literal("a"), Call("start"), literal("b")))))}
    )
    for grammar, regular in (
        (regex("a*"), True),
        (choices(["a"]), True),
        (ends, True),
        (nested, False),
    ):
        assert (compile_grammar(grammar, vocabulary).regular is not None) == regular


def test_limits() -> None:
    """Beyond its limits a machine keeps its stack."""
    machine = build_machine(build_network(json_schema(SCHEMA)))
    assert not stackless(machine)
    assert flatten(machine, states=20) is None
    assert flatten(machine, work=100) is None
    assert flatten(build_machine(build_network(json_texts()))) is None
    flat = flatten(machine)
    assert flat is not None
    assert stackless(flat)
