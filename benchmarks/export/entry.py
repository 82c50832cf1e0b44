"""One setting of a run as the leaderboard knows it: names, samples, how complete it is."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from benchmarks.export.documents import Record, rank_order
from benchmarks.leaderboard.methods import method_of
from benchmarks.leaderboard.speed import Request, shared_forwards, tokens_per_step
from benchmarks.leaderboard.tasks import COUNT, RULE_TASKS, TASKS, Task
from benchmarks.runner.results import Result
from benchmarks.runner.samples import Sample

Pair = tuple[Record, Sample]
"""A question and its graded answer."""

ALL, RULES, PARTIAL = "all", "rules12", "partial"
"""How complete an entry is: fit for the leaderboard, the twelve tasks with rules, or less."""


class Entry(NamedTuple):
    """A setting under its published names."""

    unmasking: str
    keywords: dict[str, Any]
    """Options in the harness's names."""
    folder: str
    site: str
    """What the site calls the method."""
    whole_tokens: bool
    shared: bool
    """Whether published runs of the method shared forwards in a batch."""
    pairs: dict[str, list[Pair]]
    """By task; tasks in published order, examples too."""

    @property
    def coverage(self) -> str:
        """`ALL`, `RULES` or `PARTIAL`."""
        return coverage({name: len(pairs) for name, pairs in self.pairs.items()})


def coverage(counts: dict[str, int]) -> str:
    """How complete an entry is that has so many examples of each task."""
    full = {name for name, count in counts.items() if count == COUNT}
    if full == set(TASKS):
        return ALL
    return RULES if full == set(RULE_TASKS) == set(counts) else PARTIAL


def entry_of(result: Result, questions: Sequence[Record]) -> Entry:
    """The entry of a setting."""
    asked = {(one["task"], one["number"]): one for one in questions}
    pairs: dict[str, list[Pair]] = {name: [] for name in TASKS}
    for sample in sorted(result.samples, key=lambda sample: rank_order(sample.number)):
        pairs[sample.task].append((asked[sample.task, sample.number], sample))
    present = {name: listed for name, listed in pairs.items() if listed}
    method = method_of(result.rule, result.options)
    if method is None:
        slug = result.rule.replace("+", "_").replace("/", "_")
        folder = "_".join(f"{key}{value}" for key, value in result.options.items())
        keywords = {**result.options, "unmasking": slug}
        return Entry(slug, keywords, folder or "default", slug, False, False, present)
    value = result.options[method.option]
    return Entry(
        method.unmasking,
        method.keywords(value),
        method.folder_of(value),
        method.site,
        method.whole_tokens,
        method.shared,
        present,
    )


def asked_with(task: Task, entry: Entry) -> dict[str, Any]:
    """The harness's options of generation."""
    fixed = {"until": [task.until], "do_sample": False, "max_tokens": task.gen_length}
    return {**fixed, **entry.keywords}


def speeds(entry: Entry, *, in_batches: bool) -> dict[str, float]:
    """Tokens per step by task, rows counted one by one or as published runs charged them."""
    listed = [(name, pair) for name, pairs in entry.pairs.items() for pair in pairs]
    forwards = [sample.forwards for _, (_, sample) in listed]
    if in_batches and entry.shared:
        forwards = shared_forwards([_request(name, pair) for name, pair in listed])
    found: dict[str, list[float]] = {name: [] for name in entry.pairs}
    for (name, _), count in zip(listed, forwards, strict=True):
        found[name].append(tokens_per_step(TASKS[name].gen_length, count))
    return {name: sum(values) / len(values) for name, values in found.items()}


def accuracies(entry: Entry) -> dict[str, float]:
    """Percent, by task."""
    return {
        name: 100 * sum(sample.score for _, sample in pairs) / len(pairs)
        for name, pairs in entry.pairs.items()
    }


def _request(name: str, pair: Pair) -> Request:
    asked, sample = pair
    options = (TASKS[name].until, TASKS[name].gen_length)
    return Request(sample.number, asked["prompt"], options, sample.forwards)
