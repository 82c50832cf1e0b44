"""Where the parts of a run are kept: a folder with one file a batch, or memory.

run.json            what is run; a folder holds one run
questions.jsonl     what is asked, once for all settings
parts/000012.json   what came of batch 12; written once, never changed
results.json, samples.jsonl, timings.json    at the end
"""

import json
from pathlib import Path
from typing import Protocol

from benchmarks.runner.decode import Part, Timing
from benchmarks.runner.durable import write_durably
from benchmarks.runner.outline import Outline
from benchmarks.runner.samples import Sample

PARTS = "parts"


class Store(Protocol):
    """Keeps parts by the numbers of their batches."""

    def __contains__(self, number: int) -> bool: ...

    def get(self, number: int) -> Part:
        """A part that is there."""
        ...

    def put(self, number: int, part: Part) -> None:
        """Keeps a part."""
        ...


class InMemory:
    """Parts of a run that is not written anywhere."""

    def __init__(self) -> None:
        self._parts: dict[int, Part] = {}

    def __contains__(self, number: int) -> bool:
        return number in self._parts

    def get(self, number: int) -> Part:
        return self._parts[number]

    def put(self, number: int, part: Part) -> None:
        self._parts[number] = part


class InFolder:
    """Parts as files of a run's folder."""

    def __init__(self, folder: Path, outline: Outline) -> None:
        self.folder, self.outline = folder, outline
        (folder / PARTS).mkdir(parents=True, exist_ok=True)

    def path(self, number: int) -> Path:
        """The file of a batch."""
        return self.folder / PARTS / f"{number:06d}.json"

    def missing(self) -> list[int]:
        """The batches that are not there."""
        return [n for n in range(len(self.outline.batches)) if n not in self]

    def __contains__(self, number: int) -> bool:
        return self.path(number).is_file()

    def get(self, number: int) -> Part:
        """A part that is there.

        Raises:
            ValueError: the file is not that batch's part.
        """
        return read_part(self.path(number), self.outline, number)

    def put(self, number: int, part: Part) -> None:
        content = {
            "run": self.outline.digest,
            "batch": number,
            "timing": part.timing._asdict(),
            "samples": [sample._asdict() for sample in part.samples],
        }
        text = json.dumps(content, ensure_ascii=False, indent=1) + "\n"
        write_durably(self.path(number), text.encode())


def read_part(path: Path, outline: Outline, number: int) -> Part:
    """A part from its file, if it is the one of this batch.

    Raises:
        ValueError: it is broken, or of another run or batch.
    """
    try:
        stored = json.loads(path.read_text("utf-8"))
        held = (stored["run"], stored["batch"], len(stored["samples"]))
        part = Part([Sample(**one) for one in stored["samples"]], Timing(**stored["timing"]))
    except (ValueError, KeyError, TypeError):
        raise ValueError(f"{path}: must be a part of a run, got a broken file") from None
    wanted = (outline.digest, number, outline.batches[number][1])
    if held != wanted:
        raise ValueError(f"{path}: must be (run, batch, samples) {wanted}, got {held}")
    return part
