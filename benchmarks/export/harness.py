"""The harness's own files, their contents key by key: results and samples."""

import datetime
from collections.abc import Sequence
from typing import Any, NamedTuple

from benchmarks.export.documents import document, hashes, target, task_hash
from benchmarks.export.entry import ALL, RULES, Entry, Pair, asked_with
from benchmarks.leaderboard.speed import tokens_per_step
from benchmarks.leaderboard.tasks import COSTS, COUNT, GROUPS, RULE_TASKS, TASKS, TITLES, Task
from benchmarks.runner.samples import Sample

RESULTS = "results_parallelbench.json"
"""The file of a setting's figures; samples are in a file a task, `Task.samples_file`."""

Content = dict[str, Any]

LABELS = {
    ALL: f"complete: {len(TASKS)} tasks of {COUNT} examples",
    RULES: f"the {len(RULE_TASKS)} tasks with rules only: not an entry of the leaderboard",
}
_INCOMPLETE = "incomplete: not an entry of the leaderboard"
_OVERALL = "parallelbench_all"


class Origin(NamedTuple):
    """Where an entry comes from."""

    model: str
    """`ORG/MODEL`."""
    started: str
    seconds: float
    versions: dict[str, str]


def label(coverage: str) -> str:
    """A coverage in words."""
    return LABELS.get(coverage, _INCOMPLETE)


def sample_line(task: Task, entry: Entry, pair: Pair) -> Content:
    """A line of a task's samples."""
    asked, sample = pair
    text = sample.text.partition(task.until)[0]
    scores = scores_of(task, sample)
    return {
        "doc_id": sample.number,
        "doc": document(asked),
        "target": target(asked),
        "arguments": {"gen_args_0": {"arg_0": asked["prompt"], "arg_1": asked_with(task, entry)}},
        "resps": [[text]],
        "filtered_resps": [text],
        "filter": "none",
        "metrics": [*scores, *COSTS],
        **hashes(asked),
        **scores,
        "nfe": float(sample.forwards),
        "tokens_per_step": tokens_per_step(task.gen_length, sample.forwards),
        "input_length": float(sample.input_length),
        "output_length": float(sample.output_length),
    }


def scores_of(task: Task, sample: Sample) -> dict[str, float]:
    """Its scores by their published names, as far as answers are graded by them."""
    known = {"score": sample.score, "score_strict": sample.score_strict, **sample.metrics}
    return {name: float(known[name]) for name in task.scores if name in known}


def results_file(entry: Entry, origin: Origin) -> Content:
    """The content of `RESULTS`; groups are averaged only where all of their tasks are there."""
    tasks = [TASKS[name] for name in entry.pairs]
    by_task = {task.full_name: _task_result(task, entry) for task in tasks}
    groups = _groups(entry, by_task)
    return {
        "results": {**groups, **by_task},
        "groups": groups,
        "group_subtasks": _subtasks(groups),
        "configs": {task.full_name: _config(task, entry) for task in tasks},
        "versions": {task.full_name: 0.1 for task in tasks},
        "n-shot": {task.full_name: task.shots for task in tasks},
        "higher_is_better": {task.full_name: _better(task, entry) for task in tasks},
        "n-samples": {
            TASKS[name].full_name: {"original": COUNT, "effective": len(pairs)}
            for name, pairs in entry.pairs.items()
        },
        "config": _run_config(entry, origin),
        **_provenance(entry, origin),
        "coverage": label(entry.coverage),
    }


def _task_result(task: Task, entry: Entry) -> Content:
    lines = [sample_line(task, entry, pair) for pair in entry.pairs[task.name]]
    figures = {"alias": f"  - {task.full_name}"}
    for name in (*scores_of(task, entry.pairs[task.name][0][1]), *COSTS):
        mean = sum(line[name] for line in lines) / len(lines)
        figures |= _figure(name, mean if name in COSTS else 100 * mean)
    return figures


def _figure(name: str, value: float) -> Content:
    return {f"{name},none": value, f"{name}_stderr,none": "N/A"}


def _groups(entry: Entry, by_task: dict[str, Content]) -> Content:
    """Means of whole categories, and of all tasks where nothing is missing."""
    groups: Content = {}
    if entry.coverage == ALL:
        groups[_OVERALL] = _group(list(by_task.values()), "ParallelBench")
    for category, names in GROUPS.items():
        if all(len(entry.pairs.get(name, ())) == COUNT for name in names):
            members = [by_task[TASKS[name].full_name] for name in names]
            alias = f" - ParallelBench - {TITLES[category]}"
            groups[f"parallelbench_{category}"] = _group(members, alias)
    return groups


def _group(members: Sequence[Content], alias: str) -> Content:
    made: Content = {}
    for name in ("tokens_per_step", "score", "nfe"):
        made |= _figure(name, sum(member[f"{name},none"] for member in members) / len(members))
    return {**made, "alias": alias}


def _subtasks(groups: Content) -> Content:
    listed: Content = {
        f"parallelbench_{category}": [TASKS[name].full_name for name in names]
        for category, names in GROUPS.items()
        if f"parallelbench_{category}" in groups
    }
    return {**listed, _OVERALL: list(listed)} if _OVERALL in groups else listed


def _config(task: Task, entry: Entry) -> Content:
    return {
        "task": task.full_name,
        "dataset_path": "furiosa-ai/ParallelBench",
        "test_split": "test",
        "num_fewshot": task.shots,
        "output_type": "generate_until",
        "generation_kwargs": asked_with(task, entry),
        "repeats": 1,
        "metadata": {"parallelbench_task": f"{task.category}/{task.name}"},
    }


def _better(task: Task, entry: Entry) -> Content:
    costs = {"nfe": False, "tokens_per_step": True, "input_length": None, "output_length": None}
    return {**dict.fromkeys(scores_of(task, entry.pairs[task.name][0][1]), True), **costs}


def _run_config(entry: Entry, origin: Origin) -> Content:
    return {
        "model": "dllm",
        "model_args": f"model_path={origin.model}",
        "batch_size": "1",  # forwards are counted row by row
        "batch_sizes": [],
        "device": None,
        "use_cache": None,
        "limit": None,
        "bootstrap_iters": 100_000,
        "gen_kwargs": entry.keywords,
        "random_seed": 0,
        "numpy_seed": 1234,
        "torch_seed": 1234,
        "fewshot_seed": 1234,
    }


def _provenance(entry: Entry, origin: Origin) -> Content:
    begun = datetime.datetime.fromisoformat(origin.started).timestamp()
    software = "\n".join(f"{name}: {version}" for name, version in origin.versions.items())
    return {
        "git_hash": origin.versions.get("commit"),
        "date": begun,
        "pretty_env_info": software,
        "transformers_version": None,
        "upper_git_hash": None,
        "task_hashes": {
            TASKS[name].full_name: task_hash([hashes(asked) for asked, _ in pairs])
            for name, pairs in entry.pairs.items()
        },
        "model_source": "dllm",
        "model_name": origin.model,
        "model_name_sanitized": origin.model.replace("/", "__"),
        "system_instruction": None,
        "system_instruction_sha": None,
        "fewshot_as_multiturn": True,
        "chat_template": "",
        "chat_template_sha": None,
        "start_time": begun,
        "end_time": begun + origin.seconds,
        "total_evaluation_time_seconds": str(origin.seconds),
    }
