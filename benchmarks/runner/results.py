"""What a run comes to: figures by setting, and the files that hold them."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.runner.decode import Timing, add_up
from benchmarks.runner.durable import write_durably
from benchmarks.runner.outline import Outline, read_questions
from benchmarks.runner.protocol import Protocol
from benchmarks.runner.samples import Figures, Sample, by_task, mean, side_means, summarise
from benchmarks.runner.settings import DRAFTS, name_of
from benchmarks.runner.store import InFolder, Store

RESULTS, SAMPLES, TIMINGS = "results.json", "samples.jsonl", "timings.json"
FINAL = (RESULTS, SAMPLES, TIMINGS)
PROTOCOL = Protocol._fields


class Result(NamedTuple):
    """What came of one setting."""

    rule: str
    options: dict[str, Any]
    samples: list[Sample]
    timing: Timing
    """Of all its batches."""

    @property
    def name(self) -> str:
        """The setting's."""
        return name_of(self.rule, self.options)

    @property
    def figures(self) -> list[Figures]:
        """By task."""
        return [summarise(of_task) for of_task in by_task(self.samples).values()]

    @property
    def mean(self) -> Figures:
        """The unweighted mean of its tasks."""
        return mean(self.figures)

    @property
    def evaluations(self) -> float:
        """Canvases that the model evaluated for a row: drafts share a forward."""
        return self.mean.forwards * self.options.get(DRAFTS, 1)


def gather(
    settings: Sequence[tuple[str, dict[str, Any]]],
    batches: Sequence[int],
    store: Store,
    order: Sequence[tuple[str, int]],
) -> list[Result]:
    """The results of the settings whose parts are all there.

    Args:
        settings: rules and their options.
        batches: which setting each is of.
        store: holds the parts.
        order: task and number of the examples, in the order of the samples.
    """
    place = {asked: i for i, asked in enumerate(order)}
    numbers: list[list[int]] = [[] for _ in settings]
    for number, setting in enumerate(batches):
        numbers[setting].append(number)
    results = []
    for (rule, options), own in zip(settings, numbers, strict=True):
        if not all(number in store for number in own):
            continue
        listed = [store.get(number) for number in own]
        samples = [sample for part in listed for sample in part.samples]
        samples.sort(key=lambda sample: place[sample.task, sample.number])
        timing = add_up(part.timing for part in listed)
        results.append(Result(rule, options, samples, timing))
    return results


def finish(store: InFolder, failed: Mapping[str, str] | None = None) -> list[Result]:
    """Writes the final files of the settings whose parts are all there, and which others failed."""
    outline = store.outline
    settings = [(setting["rule"], setting["options"]) for setting in outline.settings]
    batches = [setting for setting, _ in outline.batches]
    order = [(asked["task"], asked["number"]) for asked in read_questions(store.folder)]
    results = gather(settings, batches, store, order)
    write(store.folder, told(outline, failed or {}), results)
    return results


def told(outline: Outline, failed: Mapping[str, str]) -> dict[str, Any]:
    """What `results.json` says of a run beside its figures."""
    kept = {key: outline.identity[key] for key in ("model", "version", "grader", *PROTOCOL)}
    return {**outline.about, "protocol": kept, **({"failed": dict(failed)} if failed else {})}


def write(folder: Path, about: Mapping[str, Any], results: Sequence[Result]) -> None:
    """Writes the final files.

    `results.json` has the figures by setting, of a single setting also at the top; `samples.jsonl`
    every answer; `timings.json` what differs from one run to the next.
    """
    single = _figures(results[0]) if len(results) == 1 else {}
    figures = {**about, **single, "settings": [_setting(r) | _figures(r) for r in results]}
    samples = [sample._asdict() for result in results for sample in result.samples]
    contents = {
        RESULTS: json.dumps(figures, indent=1) + "\n",
        SAMPLES: "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in samples),
        TIMINGS: json.dumps(_timings(results), indent=1) + "\n",
    }
    for name, text in contents.items():
        write_durably(folder / name, text.encode())


def read_results(folder: Path) -> list[Result]:
    """The results of a finished run, from its final files.

    Raises:
        ValueError: the run is not finished.
    """
    for name in FINAL:
        if not (folder / name).is_file():
            raise ValueError(
                f"{folder}: must be the folder of a finished run, but {name} is not there"
            )
    figures, timings = (json.loads((folder / name).read_text()) for name in (RESULTS, TIMINGS))
    samples = _samples(folder)
    return [
        Result(
            one["rule"],
            one["options"],
            samples[one["setting"]],
            _timing(timings["settings"][one["setting"]]),
        )
        for one in figures["settings"]
    ]


def _samples(folder: Path) -> dict[str, list[Sample]]:
    """By setting."""
    found: dict[str, list[Sample]] = {}
    for line in (folder / SAMPLES).read_text("utf-8").split("\n"):
        if line:
            sample = Sample(**json.loads(line))
            found.setdefault(sample.setting, []).append(sample)
    return found


def _timing(stored: dict[str, Any]) -> Timing:
    return Timing(*(stored[name] for name in Timing._fields))


def _setting(result: Result) -> dict[str, Any]:
    return {"setting": result.name, "rule": result.rule, "options": result.options}


def _figures(result: Result) -> dict[str, Any]:
    overall, samples = result.mean, by_task(result.samples)
    return {
        "tasks": {
            task.task: dict(list(task._asdict().items())[1:]) | _side(samples[task.task])
            for task in result.figures
        },
        "mean_accuracy": overall.accuracy,
        "mean_tokens_per_step": overall.tokens_per_step,
    }


def _side(samples: Sequence[Sample]) -> dict[str, Any]:
    """The further figures of a text task."""
    means = side_means(samples)
    return {"metrics": means} if means else {}


def _timings(results: Sequence[Result]) -> dict[str, Any]:
    def listed(timing: Timing) -> dict[str, Any]:
        return {**timing._asdict(), "occupancy": timing.occupancy}

    by_setting = {result.name: listed(result.timing) for result in results}
    return {**listed(add_up(r.timing for r in results)), "settings": by_setting}
