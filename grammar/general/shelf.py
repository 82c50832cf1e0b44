"""Plans one behind the other, as the passes read them."""

from typing import Any

import numpy as np
from jaxtyping import Int

from grammar.general.plans import BEGINS, Plan, make_plan
from grammar.general.tables import Content

SLACK = 2
"""Words for the frames that a record makes, where one class is read."""

SLACK_OF_MANY = 8
"""The same where it is any of many. A record that needs more gets twice as many."""


class _Row:
    """Numbers in an array that is twice as long when it is full."""

    def __init__(self) -> None:
        self.array: Int[np.ndarray, " _"] = np.zeros(1024, np.int64)
        self.size = 0

    def put(self, at: int, values: Int[np.ndarray, " _"]) -> None:
        self.size = at + len(values)
        if self.size > len(self.array):
            self.array = np.concatenate([self.array, np.zeros(self.size, np.int64)])
        self.array[at : self.size] = values


class Shelf:
    """The plans of a content made so far, by their classes.

    A plan keeps its number, and nothing that is read of it ever moves.
    """

    def __init__(self, content: Content, kernels: Any) -> None:
        self._content, self._kernels = content, kernels
        self._numbers: dict[tuple[int, ...], int] = {}
        self._rows = {name: _Row() for name in kernels.Plans._fields}
        self.plans: Any = None
        """`kernels.Plans`."""
        self.slack: Int[np.ndarray, " plans"] = np.zeros(0, np.int64)

    def number(self, classes: tuple[int, ...]) -> int:
        """The number of the plan of some classes."""
        known = self._numbers.get(classes)
        if known is None:
            known = self._numbers[classes] = len(self._numbers)
            self._put(make_plan(self._content, classes), known)
            slack = SLACK if len(classes) == 1 else SLACK_OF_MANY
            self.slack = np.append(self.slack, slack)
        return known

    def _put(self, plan: Plan, number: int) -> None:
        rows = self._rows
        counts = {
            "crowds": len(plan.crowd_sources) - 1,
            "silents": len(plan.silent_from),
            "inner": len(plan.nodes),
            "outer": len(plan.ends),
        }
        for name, count in counts.items():
            begin = int(rows[name].array[number])
            rows[name].put(number, np.asarray([begin, begin + count], np.int64))
        sizes = {name: rows[name].size for name in Plan._fields}
        for name, part in plan._asdict().items():
            if name in BEGINS:  # the last one is where the next plan begins
                rows[name].put(max(sizes[name] - 1, 0), part + sizes[BEGINS[name]])
            else:
                rows[name].put(sizes[name], part)
        self.plans = self._kernels.Plans(**{name: row.array for name, row in rows.items()})
