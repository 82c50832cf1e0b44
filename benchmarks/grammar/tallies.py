"""Random decodes that go on where an earlier call was stopped."""

import json
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
    known = json.loads(path.read_text("utf-8")) if path is not None and path.exists() else {}
    setting = {"length": length, "vocabulary": len(language.vocabulary.tokens)}
    told = known.get(name, setting)
    for key, value in setting.items():
        if told[key] != value:
            rule = f"{key} must be {told[key]}, which earlier decodes of {name!r} had"
            raise ValueError(f"--tally: {rule}, got {value}")
    tally = Tally(*(told.get(field, 0) for field in Tally._fields))
    for after in random_decodes(language, grammar, number, length, tally):
        tally = after
        if path is not None and (tally.decodes % SAVED == 0 or tally.decodes == number):
            path.write_text(json.dumps(known | {name: setting | tally._asdict()}, indent=1) + "\n")
    return tally._asdict()
