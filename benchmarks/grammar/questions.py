"""Embedded tasks whose answers have a form: question, canvas, languages and grader."""

import json
import re
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from benchmarks.grammar.programs import with_regions
from benchmarks.tasks import embedded, latin_square, sudoku
from benchmarks.tasks.catalogue import LINES
from benchmarks.tasks.example import Example
from benchmarks.tasks.graders import grade
from dllm.tokenizer import Tokenizer
from grammar import MASK, Grammar, json_schema, lark_grammar, regex, shipped


class Question(NamedTuple):
    """One question, and what its answer has to look like."""

    task: str
    prompt: str
    canvas: list[int]
    """Tokens behind the prompt, `MASK` at the holes."""
    languages: dict[str, Grammar]
    """What the answer may be held to, by name."""
    right: Callable[[str], float]
    """How right a text is, from 0 to 1."""


Draw = Callable[[Tokenizer, int, np.random.Generator], list[Question]]
"""(tokenizer, examples a task, chance) -> questions, the same languages for each."""

TEXTS = json_schema({"type": "array", "items": {"type": "string"}})

LINE = 3
"""People of a line that a record is made of."""

OPERATORS = "+-*/"

ANSWER = 32
"""Positions of an answer: what a text leaves free of them ends it."""


def lists(tokenizer: Tokenizer, limit: int, rng: np.random.Generator) -> list[Question]:
    """Lists of people as JSON: any list of texts, or one of as many names of the question."""
    del tokenizer, rng
    return [
        _answered(example, {"texts": TEXTS, "names": _names(example)})
        for example in _line_examples(limit)
    ]


def holes(tokenizer: Tokenizer, limit: int, rng: np.random.Generator) -> list[Question]:
    """The same questions, with two or three regions of a right answer to be filled."""
    made = []
    for question, example in zip(lists(tokenizer, limit, rng), _line_examples(limit), strict=True):
        whole = tokenizer.encode(example.answer)
        canvas = with_regions(whole, int(rng.integers(2, 4)), 4, rng)
        languages = {"names": question.languages["names"]}
        made.append(question._replace(canvas=canvas, languages=languages))
    return made


def records(tokenizer: Tokenizer, limit: int, rng: np.random.Generator) -> list[Question]:
    """An object of three fields that stand in the question; right are as many as its share."""
    made = []
    for _ in range(limit):
        example = embedded.sample("copy", rng, (LINE, LINE))
        people = example.label
        wanted = {"first": people[0], "last": people[-1], "people": len(people)}
        schema: dict[str, Any] = {name: {"enum": people} for name in ("first", "last")}
        schema["people"] = {"type": "integer", "minimum": 1, "maximum": 9}
        language = json_schema(
            {
                "type": "object",
                "properties": schema,
                "required": list(schema),
                "additionalProperties": False,
            }
        )
        canvas = _with_holes(
            tokenizer, ['{"first": "', 2, '", "last": "', 2, '", "people": ', 1, "}"]
        )
        right = partial(_fields_right, wanted)
        made.append(Question("record", example.prompt, canvas, {"schema": language}, right))
    return made


def arithmetic(tokenizer: Tokenizer, limit: int, rng: np.random.Generator) -> list[Question]:
    """An expression of three digits, to be said again."""
    del tokenizer
    made, language = [], lark_grammar(shipped("arithmetic"))
    for _ in range(limit):
        digits = rng.integers(1, 10, 3).tolist()
        first, second = (OPERATORS[i] for i in rng.integers(0, len(OPERATORS), 2))
        text = f"{digits[0]}{first}{digits[1]}{second}{digits[2]}"
        canvas = [MASK] * ANSWER
        right = partial(_same, text)
        made.append(
            Question("arithmetic", f"Copy: {text}", canvas, {"arithmetic": language}, right)
        )
    return made


def latin_squares(tokenizer: Tokenizer, limit: int, rng: np.random.Generator) -> list[Question]:
    """Four lines of the four symbols, in any order."""
    del tokenizer, rng
    made = []
    for example in embedded.evaluation(latin_square.TASK, limit):
        cell = f"[{''.join(example.label['symbols'])}]"
        line = f"{cell}(,{cell}){{3}}"
        made.append(_answered(example, {"square": regex(f"{line}(\n{line}){{3}}")}))
    return made


def sudokus(tokenizer: Tokenizer, limit: int, rng: np.random.Generator) -> list[Question]:
    """A grid of digits with the given ones where they are."""
    del tokenizer, rng
    made = []
    for example in embedded.evaluation(sudoku.TASK, limit):
        given = example.prompt.partition("\n")[2]
        made.append(_answered(example, {"given": regex(given.replace("0", "[1-4]"))}))
    return made


FAMILIES: dict[str, Draw] = {
    "lists": lists,
    "holes": holes,
    "records": records,
    "arithmetic": arithmetic,
    "latin_squares": latin_squares,
    "sudokus": sudokus,
}


def _answered(example: Example, languages: dict[str, Grammar]) -> Question:
    """A question whose whole answer is open."""
    canvas = [MASK] * ANSWER
    right = partial(_grade, example.task, example.label)
    return Question(example.task, example.prompt, canvas, languages, right)


def _line_examples(limit: int) -> list[Example]:
    return [example for task in LINES for example in embedded.evaluation(task, limit)]


def _names(example: Example) -> Grammar:
    """A list of names of the question, as long as the answer has to be."""
    names = sorted(set(re.findall(r'"([^"]+)"', example.prompt)))
    number = len(json.loads(example.answer))
    return json_schema(
        {"type": "array", "items": {"enum": names}, "minItems": number, "maxItems": number}
    )


def _with_holes(tokenizer: Tokenizer, pieces: list[str | int]) -> list[int]:
    """Texts as tokens, numbers as so many holes."""
    ids: list[int] = []
    for piece in pieces:
        ids += [MASK] * piece if isinstance(piece, int) else tokenizer.encode(piece)
    return ids


def _grade(task: str, label: Any, text: str) -> float:
    return float(grade(task, label, text))


def _same(wanted: str, text: str) -> float:
    return float(text == wanted)


def _fields_right(wanted: dict[str, Any], text: str) -> float:
    """The share of the fields that are as wanted; none of what is no object."""
    try:
        read = json.loads(text)
    except ValueError:
        return 0.0
    if not isinstance(read, dict):
        return 0.0
    return sum(read.get(name) == value for name, value in wanted.items()) / len(wanted)
