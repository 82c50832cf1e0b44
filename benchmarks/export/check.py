"""Are these the folders of a leaderboard entry? Looks at names, keys, counts, means and hashes."""

import json
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.export.documents import sha256
from benchmarks.export.entry import ALL, coverage
from benchmarks.export.harness import RESULTS, label
from benchmarks.leaderboard.tasks import COUNT, TASKS, Task

RESULTS_KEYS = (
    *("results", "groups", "group_subtasks", "configs", "higher_is_better", "n-samples"),
    *("config", "git_hash", "date", "transformers_version", "task_hashes", "model_name"),
    *("model_name_sanitized", "fewshot_as_multiturn", "start_time", "end_time"),
    "total_evaluation_time_seconds",
)
SAMPLE_KEYS = (
    *("doc_id", "doc", "target", "arguments", "resps", "filtered_resps", "filter", "metrics"),
    *("doc_hash", "prompt_hash", "target_hash", "score", "nfe", "tokens_per_step"),
    *("input_length", "output_length"),
)
DOC_KEYS = ("messages", "label", "metadata", "index", "output_prefix")
_CLOSE = 1e-6


class Verdict(NamedTuple):
    """What is to be said of one folder of results."""

    folder: Path
    coverage: str
    faults: list[str]

    @property
    def complete(self) -> bool:
        """Whether it can be handed in."""
        return self.coverage == ALL and not self.faults

    @property
    def words(self) -> str:
        """One line."""
        return f"{label(self.coverage)}{''.join(f'; {fault}' for fault in self.faults)}"


def check(folder: Path) -> list[Verdict]:
    """A verdict on every folder of results below one.

    Raises:
        ValueError: there is none.
    """
    found = sorted(path.parent for path in folder.rglob(RESULTS))
    if not found:
        raise ValueError(f"check: {folder} must hold {RESULTS} somewhere, got none")
    return [_verdict(path) for path in found]


def _verdict(folder: Path) -> Verdict:
    faults: list[str] = []
    try:
        results = json.loads((folder / RESULTS).read_text("utf-8"))
    except ValueError:
        return Verdict(folder, coverage({}), [f"{RESULTS} is not JSON"])
    faults += _lacks(RESULTS, results, RESULTS_KEYS)
    counts: dict[str, int] = {}
    for task in TASKS.values():
        path = folder / task.samples_file
        if path.is_file():
            counts[task.name], found = _samples(path, task, results.get("results", {}))
            faults += found
    return Verdict(folder, coverage(counts), faults)


def _samples(path: Path, task: Task, results: dict[str, Any]) -> tuple[int, list[str]]:
    """How many different examples a file has, and what is wrong with it."""
    try:
        lines = [json.loads(line) for line in path.read_text("utf-8").split("\n") if line]
    except ValueError:
        return 0, [f"{path.name} is not JSON lines"]
    faults = [fault for line in lines for fault in _line_faults(path.name, line)][:1]
    if faults:
        return 0, faults
    numbers = {line["doc_id"] for line in lines}
    if len(numbers) != len(lines) or not numbers <= set(range(COUNT)):
        faults.append(f"{path.name} must have each doc_id of 0 to {COUNT - 1} once")
    stored = results.get(task.full_name, {}).get("score,none")
    mean = 100 * sum(line["score"] for line in lines) / max(len(lines), 1)
    if not isinstance(stored, int | float) or abs(stored - mean) > _CLOSE:
        faults.append(
            f"{task.full_name}: score,none must be its samples' mean {mean}, got {stored}"
        )
    return len(numbers), faults


def _line_faults(name: str, line: dict[str, Any]) -> list[str]:
    lacking = _lacks(name, line, SAMPLE_KEYS) or _lacks(f"{name}: doc", line["doc"], DOC_KEYS)
    if lacking:
        return lacking
    prompt = line["arguments"]["gen_args_0"]["arg_0"]
    if line["prompt_hash"] != sha256(prompt) or line["target_hash"] != sha256(line["target"]):
        return [f"{name}: hashes of doc_id {line['doc_id']} must be those of its texts"]
    return []


def _lacks(what: str, values: dict[str, Any], wanted: tuple[str, ...]) -> list[str]:
    missing = [key for key in wanted if key not in values]
    return [f"{what} lacks {', '.join(missing)}"] if missing else []
