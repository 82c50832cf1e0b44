"""Random decodes that go on where an earlier call was stopped."""

from pathlib import Path

import pytest

from benchmarks.grammar.steps import step_share
from benchmarks.grammar.tallies import counted_decodes
from grammar import Vocabulary, compile_grammar, regex

GRAMMAR = regex("(a|bc)+d")
VOCABULARY = Vocabulary([b"a", b"b", b"c", b"cd", b"d", None], frozenset({5}))


def test_earlier_decodes_are_not_done_again(tmp_path: Path) -> None:
    language, path = compile_grammar(GRAMMAR, VOCABULARY), tmp_path / "tally.json"
    whole = counted_decodes("x", language, GRAMMAR, 6, 9, None)
    counted_decodes("x", language, GRAMMAR, 4, 9, path)
    assert counted_decodes("x", language, GRAMMAR, 6, 9, path) == whole
    assert (whole["decodes"], whole["invalid"], whole["stuck"]) == (6, 0, 0)


def test_decodes_of_another_length_are_refused(tmp_path: Path) -> None:
    language, path = compile_grammar(GRAMMAR, VOCABULARY), tmp_path / "tally.json"
    counted_decodes("x", language, GRAMMAR, 1, 9, path)
    with pytest.raises(ValueError, match=r"--tally: length must be 9, .* got 8"):
        counted_decodes("x", language, GRAMMAR, 2, 8, path)


def test_a_long_forward_hides_the_masks() -> None:
    told = step_share(compile_grammar(GRAMMAR, VOCABULARY), 12, 1000.0)
    assert told["steps"] > 0
    assert 1 <= told["share"] < 1.1
