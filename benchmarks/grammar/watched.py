"""Languages of a decode that count what they write for free and what they take back."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Bool, Int

from dllm.caches import Memory
from dllm.forward import ClassBits
from dllm.hosted import Asked, run_hosted
from dllm.languages import Languages
from dllm.row import Row, Settings
from samplers import MASK


class Watched:
    """A `dllm.HostConstraint` around another: the same answers, counted by row.

    For decodes without drafts.

    Args:
        languages: Who answers.
        writes: Whether tokens that must stand somewhere are written for free. If not, the rule has
            to write them itself.
    """

    def __init__(self, languages: Languages, rows: int, *, writes: bool = True) -> None:
        self._inner, self._writes = languages, writes
        self._rows = list(range(rows))
        self.forced = np.zeros(rows, np.int64)
        """Of each row, tokens that were written for free."""
        self.taken_back = np.zeros(rows, np.int64)
        """Of each row, writes of the rule that could not stand together with the others."""
        self._looked_at = np.zeros((0, 0), np.int32)

    @property
    def guarded(self) -> Bool[np.ndarray, " batch"]:
        """See `dllm.hosted.Judge`."""
        return self._inner.guarded

    @property
    def narrow(self) -> bool:
        """See `dllm.hosted.Judge`."""
        return self._inner.narrow

    def take(self, rows: Sequence[int]) -> "Watched":
        """The same for a batch of these rows, with the counts in common."""
        taken = object.__new__(Watched)
        taken.__dict__ |= self.__dict__
        taken._inner = self._inner.take(rows)
        taken._rows = [self._rows[row] if row >= 0 else -1 for row in rows]
        return taken

    def run(self, *arguments: Any, settings: Settings) -> tuple[Row, Memory | None, int]:
        """`dllm.decode.run` under these languages."""
        return run_hosted(self, *arguments, settings=settings)

    def look(
        self,
        canvases: Int[np.ndarray, "batch drafts length"],
        running: Bool[np.ndarray, " batch"],
        liked: Int[np.ndarray, "batch drafts length"] | None = None,
    ) -> tuple[ClassBits, Int[np.ndarray, "batch drafts length"]]:
        """See `dllm.hosted.Judge`."""
        bits, free = self._inner.look(canvases, running, liked)
        self._looked_at = canvases[:, 0]
        return bits, free if self._writes else np.full_like(free, MASK)

    def keep(
        self, asked: Asked, alive: Bool[np.ndarray, " batch"]
    ) -> Int[np.ndarray, "batch length"]:
        """See `dllm.hosted.Judge`."""
        kept = self._inner.keep(asked, alive)
        free = np.sum(np.asarray(asked.before) != self._looked_at, axis=1)
        back = np.sum(np.asarray(asked.move.canvas) != kept, axis=1)
        for slot in np.flatnonzero(alive):
            self.forced[self._rows[slot]] += free[slot]
            self.taken_back[self._rows[slot]] += back[slot]
        return kept
