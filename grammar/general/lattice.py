"""A grammar over lexemes made ready for one vocabulary: the questions of `grammar.compiled`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from sys import modules
from typing import Any

import numpy as np
from jaxtyping import Int

from grammar.classes import TokenClasses
from grammar.compiled import MASK, Compiled
from grammar.errors import InfeasibleError, LimitError
from grammar.general.lexicon import Lexed
from grammar.general.reader import build_reader
from grammar.general.symbols import build_parts
from grammar.general.tables import Content, Plan, build_content, follows_of, make_plan
from grammar.general.tokens import lex_tokens
from grammar.machine import Machine, build_machine
from grammar.pushdown import ANY, STOP, Answer
from grammar.vocabulary import Vocabulary

ACTIVE = 64
"""Classes that a hole may be filled from, unless all or others are asked for."""

ROOM = 1 << 26
"""The most words that the passes over one canvas may need."""

PLAIN = 4096
"""Smaller vocabularies are not worth the seconds of loading compiled passes."""


@cache
def _kernels(plain: bool) -> Any:
    """The passes, loaded from their file: import hooks of type checkers must not wrap them."""
    name = f"grammar_lattice_{'plain' if plain else 'kernels'}"
    spec = spec_from_file_location(name, Path(__file__).with_name("kernels.py"))
    assert spec is not None
    assert spec.loader is not None
    module = modules[name] = module_from_spec(spec)
    module.PLAIN = plain  # pyright: ignore
    spec.loader.exec_module(module)
    return module


@dataclass(frozen=True, kw_only=True)
class Lattice(Compiled):
    """A language over the tokens of one vocabulary whose rules stand above a lexer.

    Answers are exact for fillings that take, at every hole, a token of the `active` classes: no
    filling outside the language is ever taken for one inside, and with all classes active none is
    missed. A token that stands on the canvas may be of any class.
    """

    content: Content
    active: int | None = ACTIVE
    """How many classes a hole is filled from, the most useful ones; None: all."""

    def with_active(self, active: int | None) -> "Lattice":
        """The same language with another number of active classes."""
        return replace(self, active=active)

    def masks(
        self, canvas: Sequence[int], wanted: Mapping[int, Sequence[int]] | None = None
    ) -> Answer:
        """The classes that may stand at each position of a canvas (`MASK` at the holes).

        Args:
            canvas: Tokens and holes.
            wanted: Of some positions, the classes to look at there in place of the active ones.
        """
        return self._passes.answer(self._cells(canvas), self.must_stop, wanted or {}, True)

    def feasible(self, canvas: Sequence[int]) -> bool:
        """Whether some filling of the canvas from active classes is valid."""
        return self._passes.answer(self._cells(canvas), self.must_stop, {}, False).feasible

    def least_tokens(self, limit: int) -> int:
        answer = self.masks([MASK] * limit)
        stops = np.flatnonzero(answer.classes[:, -1])
        if len(stops):
            return int(stops[0]) + self.must_stop
        if answer.feasible:
            return limit
        raise InfeasibleError(f"a text must fit into {limit} tokens, got a language without one")

    @cached_property
    def _passes(self) -> "_Passes":
        plain = len(self.vocabulary.tokens) < PLAIN
        stops = bool(self.vocabulary.stop_ids)
        return _Passes(self.content, self.active, _kernels(plain), stops)


class _Passes:
    """Plans made so far, and the room of the passes."""

    def __init__(self, content: Content, active: int | None, kernels: Any, stops: bool):
        self.content, self.kernels, self.stops = content, kernels, stops
        moves = content.moves
        self.tables = kernels.Tables(
            moves.begins,
            moves.pop,
            moves.pushes,
            moves.target,
            moves.list_symbol,
            moves.list_rest,
            moves.finals,
            content.node_operation,
            content.node_next,
            moves.operations,
            content.ends,
        )
        self.active = tuple(content.basis[:active].tolist())
        self.plans: dict[tuple[int, ...], Plan] = {}
        self.room: Any = None
        self.size, self.slack = 1 << 16, 4

    def answer(
        self,
        cells: Int[np.ndarray, " length"],
        must_stop: bool,
        wanted: Mapping[int, Sequence[int]],
        both: bool,
    ) -> Answer:
        """Both passes; the forward one alone only says whether a canvas is feasible."""
        classes, length = self.content.classes, len(cells)
        tail = length
        while tail and cells[tail - 1] in (ANY, STOP):
            tail -= 1
        used: list[tuple[int, ...]] = [(classes + 1,)]
        for position, cell in enumerate(cells.tolist()):
            if cell == ANY:
                used.append(tuple(wanted[position]) if position in wanted else self.active)
            else:  # behind a stop nothing is read, and a stop itself reads nothing
                used.append((cell,) if cell >= 0 else ())
        # Without stop tokens a text has to fill its canvas.
        ends = [*range(tail if self.stops else length, length), *([] if must_stop else [length])]
        used += [(classes,)] * len(ends)
        order = list(dict.fromkeys(used))
        # Record 0 is nothing at all, 1 the beginning; behind the positions come possible ends.
        plan_of = np.asarray([-1, *map(order.index, used)], np.int64)
        source_of = np.asarray([-1, *range(length + 1), *(1 + end for end in ends)], np.int64)
        kernels = self.kernels
        plans = kernels.Plans(**_joined([self._plan(own) for own in order]))
        alive = np.zeros((len(plan_of), classes + 2), np.bool_)
        accepting = self._run(plans, plan_of, source_of, len(ends), alive if both else None)
        told = np.zeros((length, classes + 1), np.bool_)
        if both and any(accepting):
            told[:, :classes] = alive[2 : length + 2, :classes]
            stops = [end for end, accepts in zip(ends, accepting, strict=True) if accepts]
            if stops[0] < length:
                told[stops[0] :, -1] = True
        return Answer(any(accepting), told)

    def _plan(self, classes: tuple[int, ...]) -> Plan:
        if classes not in self.plans:
            self.plans[classes] = make_plan(self.content, classes)
        return self.plans[classes]

    def _run(
        self,
        plans: Any,
        plan_of: np.ndarray,
        source_of: np.ndarray,
        ends: int,
        alive: np.ndarray | None,
    ) -> list[bool]:
        """The passes in a room that is large enough; which of the ends are possible.

        Classes are marked in `alive`; without it there is no backward pass.
        """
        records = len(plan_of)
        while True:
            if self.room is None or len(self.room.record_words) < 2 * records:
                self.room = self._make_room(records)
            tables, room = self.tables, self.room
            told = self.kernels.forward(
                tables, plans, room, plan_of, source_of, self.content.start, self.slack
            )
            if told >= 0:
                accepting = [
                    bool(self.kernels.accepts(tables, room, record))
                    for record in range(records - ends, records)
                ]
                if alive is None or not any(accepting):
                    return accepting
                told = self.kernels.backward(tables, plans, room, plan_of, source_of, alive)
                if told >= 0:
                    return accepting
                alive[:] = False
            self._grow(told == self.kernels.WIDE)

    def _grow(self, wide: bool) -> None:
        self.room = None
        if wide:
            self.slack *= 2
        else:
            self.size *= 2
        if self.size > ROOM:
            raise LimitError(
                f"a canvas must need at most {ROOM} words of memory, got more: take fewer active "
                "classes"
            )

    def _make_room(self, records: int) -> Any:
        size, moves = self.size, self.content.moves
        rows = max(size // 16, 1024)
        columns = max(size // 512, 64)

        def ints(length: int, value: int = 0) -> np.ndarray:
            return np.full(length, value, np.int64)

        named = {name: ints(rows) for name in self.kernels.Room._fields}
        named |= {
            "arena": np.zeros(size, np.uint64),
            "holders": np.zeros((moves.symbols, columns), np.uint64),
            "scratch": np.zeros(columns, np.uint64),
            "place": ints(len(moves.finals), -1),
            "head": ints(len(self.content.node_next), -1),
            "entry": ints(self.content.ends, -1),
            "link_of": np.full((max(rows // 4, 256), moves.symbols), -1, np.int32),
            "frame_rest": ints(max(rows // 4, 256)),
            "pop_head": ints(moves.symbols, -1),
            "record_lists": ints(2 * records + 2),
            "record_pops": ints(2 * records + 2),
            "record_crowds": ints(2 * records + 2),
            "record_groups": ints(2 * records + 2),
            "record_words": ints(2 * records + 2),
            "counters": ints(16),
        }
        return self.kernels.Room(**named)


def _joined(plans: Sequence[Plan]) -> dict[str, np.ndarray]:
    """Plans one behind the other: what `kernels.Plans` names."""

    def starts(counts: Sequence[int]) -> np.ndarray:
        return np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)

    def shifted(name: str) -> np.ndarray:
        """Tables of where parts begin, each behind the last."""
        tables, offset = [], 0
        for plan in plans:
            table = getattr(plan, name)
            tables.append(table[:-1] + offset)
            offset += int(table[-1])
        return np.concatenate([*tables, [offset]]).astype(np.int32)

    def flat(name: str) -> np.ndarray:
        return np.concatenate([getattr(plan, name) for plan in plans] or [np.zeros(0, np.int32)])

    tables = ("crowd_sources", "group_arcs", "arc_classes", "silent_classes")
    return {name: shifted(name) if name in tables else flat(name) for name in Plan._fields} | {
        "crowds": starts([len(plan.crowd_sources) - 1 for plan in plans]),
        "groups": starts([len(plan.group_operation) for plan in plans]),
        "silents": starts([len(plan.silent_from) for plan in plans]),
        "inner": starts([len(plan.nodes) for plan in plans]),
        "outer": starts([len(plan.ends) for plan in plans]),
    }


def compile_lexed(
    grammar: Lexed, vocabulary: Vocabulary, must_stop: bool = False, active: int | None = ACTIVE
) -> Lattice:
    """Makes a grammar over lexemes ready for a vocabulary.

    Raises:
        GrammarError: as `compile_grammar`; also a terminal that matches the empty text.
        LimitError: a lexer, a machine or lexings of tokens beyond the limits.
    """
    parts = build_parts(grammar)
    machine = build_machine(parts.network)
    reader = build_reader(parts.lexer, parts.lines)
    tokens = lex_tokens(reader, vocabulary, follows_of(parts, machine))
    return lattice_of(build_content(parts, reader, machine, tokens), vocabulary, must_stop, active)


def lattice_of(
    content: Content, vocabulary: Vocabulary, must_stop: bool, active: int | None
) -> Lattice:
    """A lattice of what is kept on disk."""
    classes = TokenClasses(content.class_of_token, ((),) * content.classes, (), ())
    machine = Machine((), frozenset(), content.start, ())
    return Lattice(machine, classes, vocabulary, must_stop, content=content, active=active)
