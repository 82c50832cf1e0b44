"""Compiled grammars on disk."""

from pathlib import Path

import numpy as np

from grammar import MASK, Vocabulary, choices, regex
from grammar.disk import compile_cached, content_hash
from tests.grammar.languages import json_texts

VOCABULARY = Vocabulary([b"{", b"}", b'"', b'a":', b"1", b"[", b"],", None], frozenset({7}))


def test_found_again(tmp_path: Path) -> None:
    first = compile_cached(json_texts(), VOCABULARY, tmp_path)
    (file,) = tmp_path.iterdir()
    made = file.stat().st_mtime_ns
    again = compile_cached(json_texts(), VOCABULARY, tmp_path)
    assert file.stat().st_mtime_ns == made
    assert again.machine == first.machine
    canvas = [0, *[MASK] * 5]
    np.testing.assert_array_equal(again.admissible(canvas), first.admissible(canvas))


def test_a_broken_file_is_made_anew(tmp_path: Path) -> None:
    compile_cached(choices(["1"]), VOCABULARY, tmp_path)
    (file,) = tmp_path.iterdir()
    file.write_text("[]")
    assert compile_cached(choices(["1"]), VOCABULARY, tmp_path).feasible([4])
    assert file.read_text() != "[]"


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    nowhere = tmp_path / "file"
    nowhere.write_text("")
    assert compile_cached(choices(["1"]), VOCABULARY, nowhere).feasible([4])


def test_content_hash() -> None:
    """Of everything that counts, and of nothing else."""
    hashes = {
        content_hash(grammar, vocabulary)
        for grammar in (regex("a"), regex("b"))
        for vocabulary in (Vocabulary([b"a", b"b"]), Vocabulary([b"ab"]), Vocabulary([b"a", None]))
    }
    assert len(hashes) == 6
    assert content_hash(regex("a"), VOCABULARY) == content_hash(regex("a"), VOCABULARY)
