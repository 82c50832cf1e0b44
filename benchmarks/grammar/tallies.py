"""Random decodes that go on where an earlier call was stopped."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.grammar.decodes import Tally, random_decodes
from grammar import Compiled, Grammar

SAVED = 50
"""After so many decodes what was found is written down."""


def counted_decodes(
    name: str, language: Compiled, grammar: Grammar, number: int, length: int, path: Path | None
) -> dict[str, Any]:
    """The tally of `number` decodes; those that `path` tells of are not done again.

    Args:
        name: The language's, under which the file has its tally.
        language: What is decoded.
        grammar: What it was compiled of.
        number: Decodes, over all calls.
        length: The most tokens of a canvas.
        path: The file. None: no decode is written down.

    Raises:
        ValueError: the file tells of decodes of another length or vocabulary.
    """
    setting = {"length": length, "vocabulary": len(language.vocabulary.tokens)}
    told = read_tally(path, name, setting)
    tally = Tally(*(told.get(field, 0) for field in Tally._fields))
    for after in random_decodes(language, grammar, number, length, tally):
        tally = after
        if tally.decodes % SAVED == 0 or tally.decodes == number:
            write_tally(path, name, setting | tally._asdict())
    return tally._asdict()


def read_tally(path: Path | None, name: str, setting: Mapping[str, int]) -> dict[str, Any]:
    """What a file tells of earlier decodes; of none, where there is no file.

    Args:
        path: The file, if there is to be one.
        name: Of what was decoded.
        setting: What the decodes must have had in common with those to come.

    Raises:
        ValueError: they had not.
    """
    told = _read(path).get(name, {})
    for key, value in setting.items():
        if told.get(key, value) != value:
            rule = f"{key} must be {told[key]}, which earlier decodes of {name!r} had"
            raise ValueError(f"--tally: {rule}, got {value}")
    return told


def write_tally(path: Path | None, name: str, told: Mapping[str, Any]) -> None:
    """Writes down what was found under a name, beside what the file has under others."""
    if path is not None:
        path.write_text(json.dumps(_read(path) | {name: told}, indent=1) + "\n")


def _read(path: Path | None) -> dict[str, Any]:
    return json.loads(path.read_text("utf-8")) if path is not None and path.exists() else {}
