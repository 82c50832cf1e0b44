"""The parts of several machines become one run."""

from collections.abc import Sequence
from pathlib import Path

from benchmarks.runner.durable import Shard, locked, sweep_up
from benchmarks.runner.mirror import copy_part, parts_in
from benchmarks.runner.outline import QUESTIONS, RUN, read_outline, refuse_other
from benchmarks.runner.results import Result, finish
from benchmarks.runner.store import PARTS, InFolder

_NAMED = 8
"""Missing batches that are named; more are counted."""


def merge(folder: Path, others: Sequence[Path] = ()) -> list[Result]:
    """Takes over the parts of other folders, and writes the final files of the whole run.

    Raises:
        ValueError: a folder holds another run, or batches are missing everywhere.
    """
    if not (folder / RUN).is_file() and others:
        read_outline(others[0])
        folder.mkdir(parents=True, exist_ok=True)
        for name in (QUESTIONS, RUN):
            (folder / name).write_bytes((others[0] / name).read_bytes())
    outline = read_outline(folder)
    with locked(folder, Shard()):
        store = InFolder(folder, outline)
        sweep_up(folder / PARTS)
        for other in others:
            refuse_other(other, read_outline(other).identity, outline.identity)
            for path in parts_in(other):
                copy_part(path, folder)
        _refuse_missing(store)
        return finish(store)


def _refuse_missing(store: InFolder) -> None:
    missing = store.missing()
    if missing:
        named = ", ".join(map(str, missing[:_NAMED]))
        more = f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
        raise ValueError(
            f"merge: {store.folder} must have all {len(store.outline.batches)} batches, but lacks "
            f"{len(missing)}: {named}{more}"
        )
