"""Runs a plan: what is not there yet is decoded, what is there stays as it is."""

import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dllm
from benchmarks import suites
from benchmarks.runner.batches import Batch, Plan, make_plan
from benchmarks.runner.decode import Decoder
from benchmarks.runner.durable import Shard, locked, prepare, sweep_up
from benchmarks.runner.followers import announced, announcing
from benchmarks.runner.mirror import Mirror
from benchmarks.runner.outline import RUN, outline_of, read_outline, refuse_other, write_outline
from benchmarks.runner.progress import Display
from benchmarks.runner.protocol import FLOAT32
from benchmarks.runner.results import FINAL, Result, finish, gather
from benchmarks.runner.settings import choose_settings
from benchmarks.runner.store import PARTS, InFolder, InMemory
from benchmarks.runner.subject import Checkpoint, Subject
from benchmarks.texts.grammar import Grammar
from dllm import hosts


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
    numerics: str = FLOAT32,
    grammar: Grammar | None = None,
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
        limit: examples a task; left out, all official rows, or 100.
        rows: folder of ParallelBench's rows.
        batch: rows decoded at a time. Answers never depend on it.
        seed: of a task's first example; the next has seed + 1.
        temperature: 0 takes the likeliest token, as the benchmark does.
        numerics: `float32`, or `site` for confidences rounded as in the leaderboard's runs.
        grammar: grades the text tasks; `benchmarks.texts.grammar.open_grammar()`.
        out: keep the run in this folder; a run that was cut off there is gone on with.
        progress: a bar (left out: on a terminal).

    Raises:
        ValueError: something asked for is not there; the folder holds another run.
        CrashedError: a rule failed; it has the results of the others.
    """
    subject = Checkpoint(model, grammar) if isinstance(model, dllm.Model) else model
    named = isinstance(suite, str)
    plan = make_plan(
        subject,
        suites.ask(suite, tasks, limit, rows, texts=grammar is not None) if named else suite,
        choose_settings(rules, sets, ids=subject.ids).settings,
        suite=suite if named else "given",
        slots=batch,
        seed=seed,
        temperature=temperature,
        numerics=numerics,
    )
    if out is None:
        return decode_here(plan, progress)
    done = decode_into(out, plan, {}, progress=progress)
    assert done is not None  # a whole run
    return done


class CrashedError(RuntimeError):
    """Some settings failed while others were decoded."""

    def __init__(self, failed: dict[str, str], results: list[Result]) -> None:
        self.failed, self.results = failed, results
        told = "; ".join(f"{name}: {error}" for name, error in failed.items())
        super().__init__(f"{len(failed)} of the settings failed ({told})")


def decode_here(plan: Plan, progress: bool | None = None) -> list[Result]:
    """Decodes a plan without writing anything.

    Raises:
        CrashedError: a rule failed.
    """
    store = InMemory()
    failed = _decode(plan, store, list(plan.batches), progress)
    results = gather(
        [(setting.rule, setting.options) for setting in plan.settings],
        [batch.setting for batch in plan.batches],
        store,
        [(question.example.task, question.number) for question in plan.questions],
    )
    if failed:
        raise CrashedError(failed, results)
    return results


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

    A setting whose rule fails is left there, and the others go on; their results are written.

    Raises:
        ValueError: the folder holds another run, another process holds it, or it cannot be written.
        CrashedError: a rule failed.
        KeyboardInterrupt: of Ctrl-C; says that the same call goes on.
    """
    if not hosts.is_first():
        return _follow(plan)
    with announcing(plan) as announce, _held(folder, shard):
        store = _open(folder, plan, about)
        if shard.of == 1:
            sweep_up(folder)
            sweep_up(folder / PARTS)
        if mirror is not None:
            mirror.fetch()
        todo = [b for b in plan.batches if shard.has(b.number) and b.number not in store]
        announce(todo)
        failed = _decode(plan, store, todo, progress, mirror)
        if store.missing() and not (failed and shard.of == 1):
            if failed:
                raise CrashedError(failed, [])
            return None
        results = finish(store, failed)
        if mirror is not None:
            for name in FINAL:
                mirror.follow(folder / name, fresh=True)
        if failed:
            raise CrashedError(failed, results)
        return results


@contextmanager
def _held(folder: Path, shard: Shard) -> Iterator[None]:
    prepare(folder)
    with locked(folder, shard):
        try:
            yield
        except KeyboardInterrupt:
            raise KeyboardInterrupt(f"{folder}: the same command goes on from here") from None


def _follow(plan: Plan) -> None:
    """Decodes along with the first process, which keeps what comes of it."""
    failed = _decode(plan, InMemory(), announced(plan), progress=False)
    if failed:
        raise CrashedError(failed, [])


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
) -> dict[str, str]:
    """Decodes batches; the settings whose rule failed, and how."""
    failed: dict[str, str] = {}
    if not todo:
        return failed
    decoder = Decoder(plan)
    with Display(plan, todo, progress) as display:
        for batch in todo:
            name = plan.settings[batch.setting].name
            if name in failed:
                continue
            display.begin(batch)
            try:
                part = decoder.decode(batch)
            except Exception as error:  # whatever a rule of the user's may raise
                traceback.print_exc()
                failed[name] = f"{type(error).__name__}: {error}".partition("\n")[0]
                continue
            store.put(batch.number, part)
            if mirror is not None and isinstance(store, InFolder):
                mirror.follow(store.path(batch.number))
            display.end(batch, part.timing.seconds)
    return failed
