"""Examples to learn from: a source is any function that draws one with a random generator."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

Prompt = str | Sequence[Mapping[str, str]]
"""A text, or the messages of a conversation."""


class Example(NamedTuple):
    """What is asked and what shall be answered."""

    prompt: Prompt
    answer: str


Source = Callable[[np.random.Generator], Example]
"""Draws one example. All its chance must come from the generator: resuming replays it."""


def jsonl_source(*paths: str | Path) -> Source:
    """Draws evenly, with replacement, from rows `{"prompt": text or messages, "answer": text}`.

    Raises:
        ValueError: a row that is something else, by file and line; or no row at all.
    """
    rows = [row for path in paths for row in _read(Path(path))]
    if not rows:
        raise ValueError(f"data: {', '.join(map(str, paths))} must hold at least one row, got none")
    return lambda random: rows[random.integers(len(rows))]


def _read(path: Path) -> list[Example]:
    lines = path.read_bytes().split(b"\n")
    return [_row(f"{path}:{number + 1}", line) for number, line in enumerate(lines) if line.strip()]


def _row(where: str, line: bytes) -> Example:
    try:
        row = json.loads(line.decode("utf-8"))
    except ValueError as error:
        raise ValueError(f"{where}: a row must be JSON ({error}), got {_short(line)}") from None
    if not isinstance(row, dict) or set(row) != {"prompt", "answer"}:
        raise ValueError(f"{where}: a row must have prompt and answer alone, got {_short(row)}")
    if not _is_prompt(row["prompt"]):
        rule = "prompt must be a text or messages with a role and a content"
        raise ValueError(f"{where}: {rule}, got {_short(row['prompt'])}")
    if not isinstance(row["answer"], str):
        raise ValueError(f"{where}: answer must be a text, got {_short(row['answer'])}")
    return Example(row["prompt"], row["answer"])


def _is_prompt(value: Any) -> bool:
    return isinstance(value, str) or (
        isinstance(value, list) and len(value) > 0 and all(map(_is_message, value))
    )


def _is_message(value: Any) -> bool:
    texts = isinstance(value, dict) and all(isinstance(text, str) for text in value.values())
    return texts and {"role", "content"} <= set(value)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:79]}…"
