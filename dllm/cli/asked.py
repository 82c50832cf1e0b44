"""Requests as lines of JSON, each with a prompt and, if it likes, a language of its own."""

import json
from pathlib import Path
from typing import Any, Final, NamedTuple

import grammar
from dllm.cli.languages import read_text
from dllm.structured import asked_language

_PROMPTS: Final = ("prompt", "messages")
_LANGUAGE: Final = ("structured_outputs", "response_format")
FIELDS: Final = (*_PROMPTS, *_LANGUAGE, "seed")
"""The fields of a request."""


class Asked(NamedTuple):
    """One request."""

    prompt: str | list[Any]
    """A text, token ids or a conversation."""
    language: grammar.Grammar | None
    seed: int | None


def read_requests(path: Path) -> list[Asked]:
    """The requests of a file, one a line; empty lines are left out.

    Raises:
        ValueError: a line that is no request, or a wrong field; says the line and the field.
    """
    lines = read_text("--requests", path).split("\n")
    languages: dict[str, grammar.Grammar | None] = {}
    asked = []
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                asked.append(_request(json.loads(line), languages))
            except (ValueError, RecursionError) as error:
                raise ValueError(f"--requests: {path}, line {number}: {error}") from error
    if not asked:
        raise ValueError(f"--requests: {path} must hold at least one request, got none")
    return asked


def _request(fields: Any, languages: dict[str, grammar.Grammar | None]) -> Asked:
    """One line's value. Lines that ask for the same language share it."""
    if not isinstance(fields, dict):
        raise ValueError(f"a request must be an object, got {fields!r:.40}")
    strange = sorted(set(fields) - set(FIELDS))
    if strange:
        raise ValueError(f"{strange[0]}: must be one of {', '.join(FIELDS)}")
    given = [name for name in _PROMPTS if fields.get(name) is not None]
    if len(given) != 1:
        got = " and ".join(given) or "neither"
        raise ValueError(f"a request must have prompt or messages, got {got}")
    prompt = fields[given[0]]
    if not _is_prompt(given[0], prompt):
        kinds = {"prompt": "a text or token ids", "messages": "a list of role and content"}
        raise ValueError(
            f"{given[0]}: must be {kinds[given[0]]}, and not empty, got {prompt!r:.40}"
        )
    seed = fields.get("seed")
    if seed is not None and not (type(seed) is int and 0 <= seed < 2**32):
        raise ValueError(f"seed: must be a whole number in [0, 2^32), got {seed!r:.40}")
    named = {name: fields[name] for name in _LANGUAGE if name in fields}
    key = json.dumps(named)  # in their order: that of properties counts
    if key not in languages:
        languages[key] = asked_language(named)
    return Asked(prompt, languages[key], seed)


def _is_prompt(name: str, value: Any) -> bool:
    if not value:
        return False
    if name == "messages":
        return isinstance(value, list) and all(
            isinstance(turn, dict) and {"role", "content"} <= set(turn) for turn in value
        )
    ids = isinstance(value, list) and all(type(token) is int for token in value)
    return isinstance(value, str) or ids
