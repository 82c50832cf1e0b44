"""A second folder that follows a run: parts go there as they are written, and come back from it."""

from pathlib import Path

from benchmarks.runner.durable import write_durably
from benchmarks.runner.outline import QUESTIONS, RUN, read_outline, refuse_other
from benchmarks.runner.store import PARTS


class Mirror:
    """Keeps a copy of a run's folder; a fresh machine begins with what is there."""

    def __init__(self, folder: Path, target: Path) -> None:
        self._folder, self._target = folder, target

    def fetch(self) -> None:
        """Brings both folders to the same state.

        Raises:
            ValueError: the mirror follows another run.
        """
        if (self._target / RUN).is_file():
            here, there = read_outline(self._folder), read_outline(self._target)
            refuse_other(self._target, there.identity, here.identity)
        (self._target / PARTS).mkdir(parents=True, exist_ok=True)
        for name in (QUESTIONS, RUN):
            self.follow(self._folder / name)
        for path in parts_in(self._target):
            copy_part(path, self._folder)
        for path in parts_in(self._folder):
            copy_part(path, self._target)

    def follow(self, path: Path, *, fresh: bool = False) -> None:
        """Copies a file of the run, also over an older one if it is `fresh`."""
        target = self._target / path.relative_to(self._folder)
        if fresh or not target.is_file():
            write_durably(target, path.read_bytes())


def mirror_of(folder: Path, address: str) -> Mirror:
    """The mirror at an address.

    Raises:
        ValueError: it is not a folder.
    """
    if "://" in address:
        raise ValueError(
            f"--mirror: must be a folder, got {address}; a bucket can be mounted as one "
            "(gcsfuse, rclone mount), it is not spoken to directly"
        )
    return Mirror(folder, Path(address))


def parts_in(folder: Path) -> list[Path]:
    """The parts that a folder has."""
    return sorted((folder / PARTS).glob("[0-9]*.json"))


def copy_part(path: Path, folder: Path) -> None:
    """Copies a part into the folder of its run, unless it is there."""
    target = folder / PARTS / path.name
    if not target.is_file():
        write_durably(target, path.read_bytes())
