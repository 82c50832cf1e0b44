"""A finished run in the folders of published results, and as the site would show it.

results/ORG__MODEL/METHOD/SETTING/20260320_133223_all/    the harness's files
results/ORG__MODEL/METHOD/SETTING/.latest                 the newest of them
site/rows/…, site/batches-of-8/…                          the site's tables and curves
"""

import datetime
import json
from collections.abc import Sequence
from pathlib import Path

from benchmarks.export.entry import PARTIAL, Entry, entry_of
from benchmarks.export.harness import RESULTS, Origin, results_file, sample_line
from benchmarks.export.site import write_site
from benchmarks.leaderboard.tasks import TASKS
from benchmarks.runner.outline import Outline, read_outline, read_questions
from benchmarks.runner.results import read_results

LATEST = ".latest"


def export(run: Path, name: str, out: Path) -> list[Path]:
    """Writes all settings of a run; their folders.

    Args:
        run: a finished run of the official suite.
        name: the model, as `ORG/MODEL`.
        out: where `results` and `site` are written.

    Raises:
        ValueError: a name without a slash, a run that is not finished or not official, or two
            settings that published names cannot tell apart.
    """
    org, slash, model = name.partition("/")
    if not (org and slash and model) or "/" in model:
        raise ValueError(f"--name: must be ORG/MODEL, got {name!r}")
    outline = read_outline(run)
    _refuse_unofficial(run, outline)
    results, questions = read_results(run), read_questions(run)
    entries = [entry_of(result, questions) for result in results]
    folders = [_folder(out, name, entry, outline) for entry in entries]
    _refuse_equal(folders, [result.name for result in results])
    for entry, folder, result in zip(entries, folders, results, strict=True):
        origin = Origin(name, outline.started, result.timing.seconds, outline.versions)
        _write(folder, entry, origin)
    write_site(out / "site", name, entries)
    return folders


def _folder(out: Path, name: str, entry: Entry, outline: Outline) -> Path:
    stamp = datetime.datetime.fromisoformat(outline.started).strftime("%Y%m%d_%H%M%S")
    above = out / "results" / name.replace("/", "__") / entry.unmasking / entry.folder
    return above / f"{stamp}_{entry.coverage}"


def _write(folder: Path, entry: Entry, origin: Origin) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    content = json.dumps(results_file(entry, origin), indent=2, ensure_ascii=False)
    (folder / RESULTS).write_text(content + "\n", "utf-8")
    for task, pairs in entry.pairs.items():
        lines = [sample_line(TASKS[task], entry, pair) for pair in pairs]
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
        (folder / TASKS[task].samples_file).write_text(text, "utf-8")
    if entry.coverage != PARTIAL:
        latest = folder.parent / LATEST
        latest.unlink(missing_ok=True)
        latest.symlink_to(folder.name)


def _refuse_unofficial(run: Path, outline: Outline) -> None:
    suite = outline.identity["suite"]
    if suite != "official":
        raise ValueError(f"export: needs a run of the official suite, got {suite} in {run}")


def _refuse_equal(folders: Sequence[Path], names: Sequence[str]) -> None:
    for i, folder in enumerate(folders):
        if folder in folders[:i]:
            first = names[folders.index(folder)]
            raise ValueError(
                f"export: settings must differ in their published names, got {first!r} and "
                f"{names[i]!r} for {folder.parent.name}"
            )
