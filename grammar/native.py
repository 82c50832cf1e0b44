"""The compiled form of `grammar.pushdown`, where numba is installed (extra `grammar`)."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int

from grammar.classes import Operation, TokenClasses
from grammar.loading import load_kernels
from grammar.machine import Machine
from grammar.pushdown import Answer

ARENA, ITEMS, FRAMES = 1 << 18, 1 << 14, 1 << 10
"""Room to begin with: words, nodes of layers, frames. It doubles until a canvas fits."""


def kernels() -> Any:
    """The package `grammar.kernels`, or None without numba."""
    return load_kernels(Path(__file__).with_name("kernels"))


@dataclass
class Native:
    """A machine and its token classes as numba's passes read them.

    May be asked from several threads at once: each call takes a room of its own.
    """

    tables: Any
    """`grammar.kernels.tables.Tables`."""
    rooms: list[Any] = field(default_factory=list)

    def solve(
        self, cells: Int[np.ndarray, " length"], must_stop: bool, can_stop: bool = True
    ) -> Answer:
        """As `grammar.pushdown.solve`."""
        out = np.zeros((len(cells), len(self.tables.class_spans) - 2), np.bool_)
        told = self._call(kernels().solve, cells, must_stop, can_stop, out)
        return Answer(told == 1, out)

    def feasible(
        self, cells: Int[np.ndarray, " length"], must_stop: bool, can_stop: bool = True
    ) -> bool:
        """Whether there is a filling."""
        return self._call(kernels().feasible, cells, must_stop, can_stop) == 1

    def _call(self, asked: Any, cells: Int[np.ndarray, " length"], *rest: Any) -> int:
        """What a pass says in a room that is large enough for it."""
        cells = np.ascontiguousarray(cells, np.int64)
        try:
            room = self.rooms.pop()
        except IndexError:
            room = make_room(1, len(cells))
        if len(room.width) < len(cells) + 2:
            room = make_room(len(room.frame_row) // FRAMES, len(cells))
        while (told := asked(self.tables, room, cells, *rest)) < 0:
            room = make_room(2 * len(room.frame_row) // FRAMES, len(cells))
        self.rooms.append(room)
        return told


def make_room(size: int, length: int) -> Any:
    """A `grammar.kernels.tables.Room` for canvases of `length`; `size` times the smallest one."""
    layers = [np.zeros(length + 2, np.int64) for _ in range(4)]
    frames = [np.zeros(size * FRAMES, np.int64) for _ in range(5)]
    items = [np.zeros(size * ITEMS, np.int64) for _ in range(3)]
    return kernels().Room(np.zeros(size * ARENA, np.uint64), *items, *frames, *layers)


def build_native(machine: Machine, classes: TokenClasses) -> Native:
    """The arrays of a machine and a vocabulary. Needs numba."""
    finals = np.zeros(len(machine.moves), np.bool_)
    finals[sorted(machine.finals)] = True
    nodes = np.asarray(classes.nodes, np.int64).reshape(-1, 3)
    inner = nodes[:, 0] != Operation.END
    # Ends of tokens are numbered by their states, inner nodes stand behind all states.
    number = np.where(inner, len(finals) + np.cumsum(inner) - 1, nodes[:, 1])
    points, symbol = np.unique(nodes[inner, 1], return_inverse=True)
    # Pops are numbered too, by symbols.
    pops = np.flatnonzero(nodes[inner, 0] == Operation.POP)
    pops = pops[np.argsort(symbol[pops], kind="stable")]
    pop = np.full(len(symbol), -1, np.int64)
    pop[pops] = np.arange(len(pops))
    effects = np.asarray(classes.effects, np.int64).reshape(-1, 2)
    return Native(
        kernels().Tables(
            finals=finals,
            start=machine.start,
            **_spans(effects[:, 0], number[effects[:, 1]], len(finals), classes),
            takes_all=np.concatenate([np.ones_like(finals), nodes[inner, 0] == Operation.PUSH]),
            operation=nodes[inner, 0],
            symbol=symbol.astype(np.int64),
            future=number[nodes[inner, 2]],
            pop=pop,
            pop_begins=np.searchsorted(symbol[pops], np.arange(len(points) + 1)),
            symbols=max(len(points), 1),
        )
    )


def _spans(
    source: Int[np.ndarray, " effects"],
    node: Int[np.ndarray, " effects"],
    states: int,
    classes: TokenClasses,
) -> dict[str, Int[np.ndarray, " n"]]:
    """The effects of each class by their nodes; each set of sources once."""
    # Inner nodes first, falling, then states.
    order = np.lexsort((source, np.where(node < states, node, -node)))
    source, node = source[order], node[order]
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    # Behind the classes that of all tokens, and one without any effect.
    sizes = [*map(len, classes.members), len(order), 0]
    own = np.fromiter((e for member in classes.members for e in member), np.int64)
    name = np.repeat(np.arange(len(sizes)), sizes)
    effect = np.concatenate([place[own], np.arange(len(order))])
    effect = effect[np.lexsort((effect, name))]
    first = np.ones(len(effect), np.bool_)
    first[1:] = (np.diff(name) != 0) | (np.diff(node[effect]) != 0)
    begins = np.flatnonzero(first)
    sets: dict[bytes, int] = {}
    span_set = [
        sets.setdefault(part.tobytes(), len(sets))
        for part in np.split(source[effect], begins[1:])[: len(begins)]
    ]
    set_sizes = [len(key) // source.itemsize for key in sets]
    by_effect = np.argsort(effect[: len(own)], kind="stable")
    return {
        "class_spans": np.searchsorted(name[begins], np.arange(len(sizes) + 1)),
        "span_node": node[effect[begins]],
        "span_set": np.asarray(span_set, np.int64),
        "set_begins": np.concatenate([[0], np.cumsum(set_sizes, dtype=np.int64)]),
        "set_sources": np.frombuffer(b"".join(sets), np.int64).copy(),
        "effect_begins": np.searchsorted(effect[by_effect], np.arange(len(order) + 1)),
        "effect_classes": name[by_effect],
    }
