"""Runs a plan: what is not there yet is decoded, what is there stays as it is."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import dllm
from benchmarks import suites
from benchmarks.runner.batches import Batch, Plan, make_plan
from benchmarks.runner.decode import Decoder
from benchmarks.runner.durable import Shard, locked, sweep_up
from benchmarks.runner.mirror import Mirror
from benchmarks.runner.outline import RUN, outline_of, read_outline, refuse_other, write_outline
from benchmarks.runner.progress import Display
from benchmarks.runner.results import FINAL, Result, finish, gather
from benchmarks.runner.settings import choose_settings
from benchmarks.runner.store import PARTS, InFolder, InMemory
from benchmarks.runner.subject import Checkpoint, Subject


def run(
    model: dllm.Model | Subject,
    rules: Sequence[str | dllm.Scheduler] = ("confidence",),
    sets: Sequence[str] = (),
    *,
    suite: str | Sequence[suites.Question] = "embedded",
    tasks: Sequence[str] = (),
    limit: int | None = None,
    rows: Path | None = None,
    batch: int = 8,
    seed: int = 0,
    temperature: float = 0.0,
    out: Path | None = None,
    progress: bool | None = None,
) -> list[Result]:
    """Accuracy and speed of rules on a suite of tasks; a result for each setting.

    Args:
        model: from `dllm.load`, or any other subject.
        rules: names as `dllm.rule` takes them, or rules.
        sets: `key=v1,v2` each; every combination of the values is a setting.
        suite: `embedded`, `official` with its `rows`, or questions.
        tasks: short names; left out, all that can be graded.
        limit: examples a task.
        rows: folder of ParallelBench's rows.
        batch: rows decoded at a time. Answers never depend on it.
        seed: of a task's first example; the next has seed + 1.
        temperature: 0 takes the likeliest token, as the benchmark does.
        out: keep the run in this folder; a run that was cut off there is gone on with.
        progress: a bar (left out: on a terminal).

    Raises:
        ValueError: something asked for is not there; the folder holds another run.
    """
    subject = Checkpoint(model) if isinstance(model, dllm.Model) else model
    named = isinstance(suite, str)
    plan = make_plan(
        subject,
        suites.ask(suite, tasks, limit, rows) if named else suite,
        choose_settings(rules, sets, ids=subject.ids).settings,
        suite=suite if named else "given",
        slots=batch,
        seed=seed,
        temperature=temperature,
    )
    if out is None:
        return decode_here(plan, progress)
    done = decode_into(out, plan, {}, progress=progress)
    assert done is not None  # a whole run
    return done


def decode_here(plan: Plan, progress: bool | None = None) -> list[Result]:
    """Decodes a plan without writing anything."""
    store = InMemory()
    _decode(plan, store, list(plan.batches), progress)
    order = [(question.example.task, question.number) for question in plan.questions]
    return gather(outline_of(plan, {}), store, order)


def decode_into(
    folder: Path,
    plan: Plan,
    about: dict[str, Any],
    *,
    shard: Shard = Shard(),  # noqa: B008  (immutable)
    mirror: Mirror | None = None,
    progress: bool | None = None,
) -> list[Result] | None:
    """Decodes what a folder lacks of a plan; its results if then nothing is missing.

    Whatever stops the process, even within a write, the same call goes on from there, and the
    final files come out the same to the byte, but for `timings.json`.

    Raises:
        ValueError: the folder holds another run, or another process holds the folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder, shard):
        store = _open(folder, plan, about)
        if shard.of == 1:
            sweep_up(folder)
            sweep_up(folder / PARTS)
        if mirror is not None:
            mirror.fetch()
        todo = [b for b in plan.batches if shard.has(b.number) and b.number not in store]
        _decode(plan, store, todo, progress, mirror)
        if store.missing():
            return None
        results = finish(store)
        if mirror is not None:
            for name in FINAL:
                mirror.follow(folder / name, fresh=True)
        return results


def _open(folder: Path, plan: Plan, about: dict[str, Any]) -> InFolder:
    """By the folder's own outline if it has one: a run keeps the words of its first command."""
    if (folder / RUN).is_file():
        outline = read_outline(folder)
        refuse_other(folder, outline.identity, plan.identity)
    else:
        outline = outline_of(plan, about)
        write_outline(folder, outline, plan)
    return InFolder(folder, outline)


def _decode(
    plan: Plan,
    store: InFolder | InMemory,
    todo: list[Batch],
    progress: bool | None,
    mirror: Mirror | None = None,
) -> None:
    if not todo:
        return
    decoder = Decoder(plan)
    with Display(plan, todo, progress) as display:
        for batch in todo:
            display.begin(batch)
            part = decoder.decode(batch)
            store.put(batch.number, part)
            if mirror is not None and isinstance(store, InFolder):
                mirror.follow(store.path(batch.number))
            display.end(batch, part.timing.seconds)
