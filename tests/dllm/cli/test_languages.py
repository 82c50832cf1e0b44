"""The options that name a language."""

import argparse
from pathlib import Path

import pytest

from dllm.cli import languages
from grammar import GrammarError, completable


def parsed(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    languages.add_options(parser)
    return parser.parse_args(arguments)


def test_languages(tmp_path: Path) -> None:
    schema = tmp_path / "schema.json"
    schema.write_text('{"type": "integer"}')
    lark = tmp_path / "own.lark"
    lark.write_text('start: "a" start "b" |')
    asked = {
        ("--regex", "[0-9]+"): ("12", "x"),
        ("--choice", "yes", "--choice", "no"): ("no", "maybe"),
        ("--json-schema", str(schema)): ("12", '"12"'),
    }
    if pytest.importorskip("lark", reason="the lark library is absent (extra: grammar)"):
        asked[("--grammar", str(lark))] = ("aabb", "aab")
        asked[("--grammar", "json")] = ("[1]", "[1")
    for arguments, (inside, outside) in asked.items():
        language = languages.chosen(parsed(*arguments))
        assert language is not None
        assert completable(language, [inside])
        assert not completable(language, [outside])
    assert languages.chosen(parsed()) is None


def test_refusals(tmp_path: Path) -> None:
    with pytest.raises(GrammarError, match=r"^regex, column 3: parentheses must be balanced"):
        languages.chosen(parsed("--regex", "(a"))
    odd = tmp_path / "odd.lark"
    odd.write_bytes(b"\xff")
    with pytest.raises(ValueError, match=r"^--grammar: .*odd.lark must be UTF-8, got byte 0$"):
        languages.chosen(parsed("--grammar", str(odd)))
    with pytest.raises(ValueError, match=r"^--json-schema: .*nowhere cannot be read \(No such"):
        languages.chosen(parsed("--json-schema", str(tmp_path / "nowhere")))
    with pytest.raises(SystemExit):
        parsed("--regex", "a", "--choice", "b")
