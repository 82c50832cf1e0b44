"""A plan without its model: all that parts are held against and put together by.

It is what `run.json` and `questions.jsonl` hold, so that a folder says by itself whether a run is
complete and what came of it.
"""

import datetime
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.runner.batches import Plan
from benchmarks.runner.durable import write_durably
from benchmarks.runner.versions import versions

RUN, QUESTIONS = "run.json", "questions.jsonl"


class Outline(NamedTuple):
    """A run as its folder describes it."""

    digest: str
    identity: dict[str, Any]
    settings: list[dict[str, Any]]
    """Each its `rule` and `options`."""
    batches: list[list[int]]
    """The setting and the number of examples of each."""
    about: dict[str, Any]
    """What the command was, for `results.json`."""
    started: str
    versions: dict[str, str]
    """Of the software that began it."""


def outline_of(plan: Plan, about: dict[str, Any]) -> Outline:
    """A plan's outline, as of now."""
    return Outline(
        plan.digest,
        plan.identity,
        [{"rule": setting.rule, "options": setting.options} for setting in plan.settings],
        [[batch.setting, len(batch.questions)] for batch in plan.batches],
        about,
        datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        versions(),
    )


def read_outline(folder: Path) -> Outline:
    """The outline of a run's folder.

    Raises:
        ValueError: it holds no run.
    """
    path = folder / RUN
    if not path.is_file():
        raise ValueError(f"{folder}: must be the folder of a run, but {RUN} is not there")
    try:
        return Outline(**json.loads(path.read_text("utf-8")))
    except (ValueError, TypeError):
        raise ValueError(f"{path}: must describe a run, got something else") from None


def write_outline(folder: Path, outline: Outline, plan: Plan) -> None:
    """Writes what is asked, then what is run: a folder with the second has the first."""
    write_durably(folder / QUESTIONS, _lines(_asked(plan)))
    write_durably(folder / RUN, (json.dumps(outline._asdict(), indent=1) + "\n").encode())


def read_questions(folder: Path) -> list[dict[str, Any]]:
    """What a run asked, one record an example."""
    lines = (folder / QUESTIONS).read_text("utf-8").split("\n")
    return [json.loads(line) for line in lines if line]


def refuse_other(folder: Path, held: dict[str, Any], wanted: dict[str, Any]) -> None:
    """Raises unless two runs are the same, and says where they differ first."""
    for key in {**wanted, **held}:
        if held.get(key) != wanted.get(key):
            raise ValueError(
                f"run: {folder} holds a run with {key} {held.get(key)}, got {wanted.get(key)}; "
                "use another folder, or the command that began it"
            )


def _asked(plan: Plan) -> Iterable[dict[str, Any]]:
    for (number, example), layout in zip(plan.questions, plan.layouts, strict=True):
        yield {
            "task": example.task,
            "number": number,
            "messages": example.messages,
            "label": example.label,
            "answer": example.answer,
            "key": example.key,
            "prompt": plan.subject.prompt(example),
            "input_length": layout.prompt,
            "positions": len(layout.ids) - layout.prompt,
        }


def _lines(records: Iterable[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in records).encode()
