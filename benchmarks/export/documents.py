"""Examples as the published harness logs them, with the hashes that it names them by."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.leaderboard.speed import RANKS
from benchmarks.tasks.catalogue import LINES
from benchmarks.tasks.sudoku import HOLES, SIZE, TASK

Record = Mapping[str, Any]
"""A question as a run's `questions.jsonl` holds it."""

Hashes = dict[str, str]


def document(asked: Record) -> dict[str, Any]:
    """The harness's `doc` of a question."""
    return {
        "messages": [{"content": m["content"], "role": m["role"]} for m in asked["messages"]],
        "label": _sorted(asked["label"]),
        "metadata": metadata(asked["key"]),
        "index": asked["number"],
        "output_prefix": None,
    }


def metadata(key: Sequence[str]) -> dict[str, Any]:
    """What the benchmark keeps of a question: its size, and what an operation acts on.

    Positions count from 0 here but for insertions, whose position is that of the person before.
    """
    task, fields = key[0], dict(field.split("=", 1) for field in key[1:])
    if task not in LINES:
        puzzle = {"num_holes": HOLES} if task == TASK else {}
        return {"length": SIZE, **puzzle} if "sudoku" in fields or "symbols" in fields else {}
    length = {"length": len(json.loads(fields["context"]))}
    operation, _, choice = task.partition("_")
    if not choice:
        return length
    shift = 0 if operation == "insert" else 1
    index = int(fields["index"]) - shift if choice == "index" else None
    word = {"word": fields["word"]} if "word" in fields else {}
    return {"index": index, **length, **word}


def target(asked: Record) -> str:
    """What the harness writes as the answer that is looked for."""
    label = asked["label"]
    return str(label) if isinstance(label, list) else str(asked["answer"])


def hashes(asked: Record) -> Hashes:
    """The names of a question, its prompt and its target."""
    text = json.dumps(document(asked), indent=2, ensure_ascii=False)
    return {
        "doc_hash": sha256(text),
        "prompt_hash": sha256(asked["prompt"]),
        "target_hash": sha256(target(asked)),
    }


def task_hash(listed: Sequence[Hashes]) -> str:
    """The name of a task's questions, which are in the order of `rank_order`."""
    return sha256("".join(text for one in listed for text in one.values()))


def rank_order(number: int) -> tuple[int, int]:
    """Where an example stands in published files: those of one process follow each other."""
    return number % RANKS, number


def sha256(text: str) -> str:
    """Of a text's UTF-8 bytes, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def _sorted(label: Any) -> Any:
    return dict(sorted(label.items())) if isinstance(label, dict) else label
