"""The compiled form of `grammar.pushdown`, where numba is installed (extra `grammar`)."""

import sys
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Int

from grammar.classes import Operation, TokenClasses
from grammar.machine import Machine

_NAME = "grammar_kernels"


@cache
def kernels() -> Any:
    """The module `grammar.kernels`, or None without numba.

    Loaded from its file, under a name of its own: import hooks that wrap the functions of this
    package for checks at run time would hand numba something that it cannot compile.
    """
    if find_spec("numba") is None:
        return None
    spec = spec_from_file_location(_NAME, Path(__file__).with_name("kernels.py"))
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[_NAME] = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@dataclass(frozen=True)
class Tables:
    """A machine and its token classes as arrays; lists of lists have their `begins`."""

    finals: Bool[np.ndarray, " states"]
    start: int
    source_begins: Int[np.ndarray, " states_and_end"]
    source_effects: Int[np.ndarray, " effects"]
    effect_source: Int[np.ndarray, " effects"]
    effect_node: Int[np.ndarray, " effects"]
    class_begins: Int[np.ndarray, " classes_and_end"]
    class_effects: Int[np.ndarray, " members"]
    operation: Int[np.ndarray, " nodes"]
    symbol: Int[np.ndarray, " nodes"]
    """The next state at an end, else the number of a return point among those that occur."""
    future: Int[np.ndarray, " nodes"]
    symbols: int

    def solve(
        self, cells: Int[np.ndarray, " length"], must_stop: bool
    ) -> tuple[bool, Bool[np.ndarray, "length classes"]]:
        """As `grammar.pushdown.solve`: whether there is a filling, and the classes."""
        out = np.zeros((len(cells), len(self.class_begins)), np.bool_)
        tables = tuple(vars(self).values())
        return bool(kernels().solve(*tables, cells, must_stop, out)), out


def build_tables(machine: Machine, classes: TokenClasses) -> Tables:
    """The arrays of a machine and a vocabulary."""
    finals = np.zeros(len(machine.moves), np.bool_)
    finals[sorted(machine.finals)] = True
    effects = np.asarray(classes.effects, np.int32).reshape(-1, 2)
    order = np.argsort(effects[:, 0], kind="stable")
    nodes = np.asarray(classes.nodes, np.int32).reshape(-1, 3)
    points = sorted({node.symbol for node in classes.nodes if node.operation != Operation.END})
    numbers = np.zeros(max(points, default=0) + 1, np.int32)
    numbers[points] = np.arange(len(points), dtype=np.int32)
    inner = nodes[:, 0] != Operation.END
    symbol = nodes[:, 1].copy()
    symbol[inner] = numbers[symbol[inner]]
    sizes = [len(members) for members in classes.members]
    return Tables(
        finals=finals,
        start=machine.start,
        source_begins=np.searchsorted(effects[order, 0], np.arange(len(finals) + 1)),
        source_effects=order.astype(np.int32),
        effect_source=effects[:, 0].copy(),
        effect_node=effects[:, 1].copy(),
        class_begins=np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)]).astype(np.int64),
        class_effects=np.concatenate([[], *classes.members]).astype(np.int32),
        operation=nodes[:, 0].copy(),
        symbol=symbol,
        future=nodes[:, 2].copy(),
        symbols=max(len(points), 1),
    )
