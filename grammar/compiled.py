"""A grammar made ready for one vocabulary, and the questions that it answers about canvases."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module

import numpy as np
from jaxtyping import Bool, Int

from grammar.automaton_classes import automaton_classes
from grammar.classes import TokenClasses, build_classes
from grammar.errors import InfeasibleError, LimitError
from grammar.flatten import flatten, stackless
from grammar.general.lexicon import Lexed
from grammar.machine import Machine, build_machine
from grammar.native import Native, build_native, kernels
from grammar.network import build_network
from grammar.nodes import Grammar
from grammar.pushdown import ANY, NEVER, STOP, Answer, solve
from grammar.regular import Regular
from grammar.vocabulary import Vocabulary

MASK = -1
"""A hole of a canvas: exactly one token, or a stop token."""

NATIVE = 4096
"""Tokens from which on numba's passes are worth loading, where it is installed."""


GROWN = 64
"""A hole between text that is too short is tried with so many tokens more."""


@dataclass(frozen=True)
class Compiled:
    """A language over the tokens of one vocabulary.

    A filling of a canvas is valid if the bytes of its tokens before the first stop token are a text
    of the language and only stop tokens follow. Without `must_stop` a text may also end where the
    canvas ends.
    """

    machine: Machine
    classes: TokenClasses
    vocabulary: Vocabulary
    must_stop: bool = False

    @property
    def num_classes(self) -> int:
        """Classes of tokens; the stop tokens' class, which is not counted, has this number."""
        return len(self.classes.members)

    def class_of_token(self) -> Int[np.ndarray, " vocabulary"]:
        """The class of each token, `num_classes` for stop tokens, -1 where it is never allowed."""
        numbers = self.classes.class_of_token.copy()
        numbers[sorted(self.vocabulary.stop_ids)] = self.num_classes
        return numbers

    def masks(self, canvas: Sequence[int]) -> Answer:
        """The classes that may stand at each position of a canvas (`MASK` at the holes)."""
        return self._solve(self._cells(canvas), bool(self.vocabulary.stop_ids))

    def _solve(self, cells: Int[np.ndarray, " length"], can_stop: bool) -> Answer:
        ends = (self.must_stop, can_stop)
        if self.regular is not None:
            return self.regular.solve(cells.tolist(), *ends)
        if self._native is not None:
            return self._native.solve(cells, *ends)
        return solve(self.machine, self.classes, cells.tolist(), *ends)

    @cached_property
    def regular(self) -> Regular | None:
        """The passes of a language that needs no stack; None where one is needed."""
        return Regular(self.machine, self.classes) if stackless(self.machine) else None

    def admissible(self, canvas: Sequence[int]) -> Bool[np.ndarray, "length vocabulary"]:
        """`masks` over the whole vocabulary, at a decided position its token alone.

        For tests and for small vocabularies.
        """
        classes = np.pad(self.masks(canvas).classes, ((0, 0), (0, 1)))
        allowed = classes[:, self.class_of_token()]
        cells = np.asarray(canvas, np.int64).reshape(-1, 1)
        return allowed & ((cells == MASK) | (cells == np.arange(len(self.vocabulary.tokens))))

    def feasible(self, canvas: Sequence[int]) -> bool:
        """Whether some filling of the canvas is valid."""
        if self.regular is None and self._native is not None:
            can_stop = bool(self.vocabulary.stop_ids)
            return self._native.feasible(self._cells(canvas), self.must_stop, can_stop)
        return self.masks(canvas).feasible

    def forced(self, canvas: Sequence[int], answer: Answer) -> Int[np.ndarray, " length"]:
        """The token of each hole that only one token can fill; `MASK` elsewhere.

        They stand in every valid filling, so they may be written together. What may follow a stop
        token is not text: the same stop token is taken.

        Args:
            canvas: Tokens and holes.
            answer: What `masks` says of it.
        """
        cells = np.asarray(canvas, np.int32)
        forced = np.full(len(cells), MASK, np.int32)
        only = np.flatnonzero(answer.classes.sum(axis=-1) == 1)
        forced[only] = self._sole[answer.classes[only].argmax(axis=-1)]
        stops = np.flatnonzero(np.isin(cells, sorted(self.vocabulary.stop_ids)))
        if answer.feasible and len(stops):
            forced[stops[0] :] = cells[stops[0]]
        return np.where(cells == MASK, forced, MASK)

    @cached_property
    def _sole(self) -> Int[np.ndarray, " classes"]:
        """The token of each class that has only one, else `MASK`; the stop tokens' class last."""
        numbers = self.class_of_token()
        usable = np.flatnonzero(numbers >= 0)
        counts = np.bincount(numbers[usable], minlength=self.num_classes + 1)
        sole = np.full(self.num_classes + 1, MASK, np.int32)
        sole[numbers[usable]] = usable
        return np.where(counts == 1, sole, MASK)

    def keep(
        self, before: Sequence[int], after: Sequence[int], confidence: Sequence[float]
    ) -> list[int]:
        """The canvas `after`, with its least confident writes taken back until it is feasible.

        The writes are the tokens of `after` that do not stand in `before`. The longest beginning of
        them in falling confidence is kept; ties go to the left. A write that is taken back leaves a
        hole, or the token that it was to replace if that is still possible.

        Raises:
            InfeasibleError: `before` cannot be filled.
        """
        writes = [i for i, (old, new) in enumerate(zip(before, after, strict=True)) if old != new]
        writes = [i for i in writes if after[i] != MASK]
        writes.sort(key=lambda position: -confidence[position])
        if self.completes(after):
            return [int(token) for token in after]
        low, high = -1, len(writes) - 1
        while low < high:
            middle = (low + high + 1) // 2
            if self.completes(_without(after, writes[middle:])):
                low = middle
            else:
                high = middle - 1
        if low < 0:
            raise InfeasibleError("a canvas must be completable before its holes are written")
        kept = _without(after, writes[low:])
        restored = list(kept)
        for position in writes[low:]:
            restored[position] = int(before[position])
        return restored if restored != kept and self.completes(restored) else kept

    def completes(self, canvas: Sequence[int]) -> bool:
        """What `keep` asks of a canvas; where `narrow`, it may be feasible all the same."""
        return self.feasible(canvas)

    @property
    def narrow(self) -> bool:
        """Whether masks may leave out what is admissible, unless it is asked for."""
        return False

    def unseen(self, liked: Sequence[int]) -> tuple[int, ...]:
        """The classes of some tokens that `masks` would leave out, if it is `narrow`."""
        del liked
        return ()

    def masks_with(self, canvas: Sequence[int], more: Sequence[int]) -> Answer:
        """`masks`, with some of its `unseen` classes."""
        del more
        return self.masks(canvas)

    def least_tokens(self, limit: int) -> int:
        """The length of the shortest canvas of holes alone that has a valid filling.

        Raises:
            InfeasibleError: no canvas of at most `limit` tokens has.
        """
        # One pass is enough: where a text could first stop, were there something to stop with, is
        # how many tokens its shortest one has.
        answer = self._solve(self._cells([MASK] * limit), can_stop=True)
        stops = np.flatnonzero(answer.classes[:, -1])
        if len(stops):
            return int(stops[0]) + self.must_stop
        if answer.feasible:
            return limit
        raise InfeasibleError(f"a text must fit into {limit} tokens, got a language without one")

    def require(self, canvas: Sequence[int]) -> None:
        """Refuses a canvas that no filling makes valid.

        Raises:
            InfeasibleError: with the number of tokens needed, where one hole is of the wrong size.
        """
        if self.feasible(canvas):
            return
        if all(token == MASK for token in canvas):
            needed = self.least_tokens(limit=2 * len(canvas) + 64)
            raise InfeasibleError(f"a hole must have at least {needed} tokens, got {len(canvas)}")
        self._require_hole(canvas)
        raise InfeasibleError("a canvas must have a filling in the language, got none")

    def _require_hole(self, canvas: Sequence[int]) -> None:
        """Where there is but one hole, the sizes around its own are tried."""
        holes = [position for position, token in enumerate(canvas) if token == MASK]
        begin, size = min(holes, default=0), len(holes)
        if not holes or max(holes) - begin + 1 != size:
            return
        for other in (*range(size + 1, size + GROWN + 1), *range(size - 1, max(-1, size - 9), -1)):
            if self.completes([*canvas[:begin], *[MASK] * other, *canvas[begin + size :]]):
                rule = f"the hole at position {begin} must have {other} tokens"
                raise InfeasibleError(f"{rule}, got {size}")

    @cached_property
    def _native(self) -> Native | None:
        if len(self.vocabulary.tokens) < NATIVE or kernels() is None:
            return None
        return build_native(self.machine, self.classes)

    @cached_property
    def _cell_of_token(self) -> Int[np.ndarray, " vocabulary"]:
        cells = self.classes.class_of_token.astype(np.int32)
        cells[cells < 0] = NEVER
        cells[sorted(self.vocabulary.stop_ids)] = STOP
        return cells

    def _cells(self, canvas: Sequence[int]) -> Int[np.ndarray, " length"]:
        ids = np.asarray(canvas, np.int64).reshape(-1)
        size = len(self.vocabulary.tokens)
        strange = ids[(ids != MASK) & ((ids < 0) | (ids >= size))]
        if len(strange):
            raise ValueError(
                f"tokens of a canvas must be in [0, {size}) or {MASK}, got {strange[0]}"
            )
        return np.where(ids == MASK, ANY, self._cell_of_token[np.maximum(ids, 0)]).astype(np.int32)


def _without(canvas: Sequence[int], positions: Sequence[int]) -> list[int]:
    """The canvas with holes at `positions`."""
    holes = set(positions)
    return [MASK if position in holes else int(token) for position, token in enumerate(canvas)]


def compile_grammar(grammar: Grammar, vocabulary: Vocabulary, must_stop: bool = False) -> Compiled:
    """Makes a grammar ready for a vocabulary.

    Raises:
        GrammarError: a rule is called and not defined.
        EmptyLanguageError: the language has no text.
        LimitError: more states, moves or effects than the limits of the core.
    """
    if isinstance(grammar, Lexed):
        return import_module("grammar.general.lattice").compile_lexed(
            grammar, vocabulary, must_stop
        )
    machine = build_machine(build_network(grammar))
    return Compiled(*_with_classes(machine, vocabulary), vocabulary, must_stop)


def _with_classes(machine: Machine, vocabulary: Vocabulary) -> tuple[Machine, TokenClasses]:
    """The classes of a machine, without a stack if one of a moderate size does without."""
    if stackless(machine):
        return machine, automaton_classes(machine, vocabulary)
    flat = flatten(machine)
    if flat is not None:
        try:
            return flat, automaton_classes(flat, vocabulary)
        except LimitError:
            # Rules that are called from many places are smaller with a stack.
            if len(flat.moves) < 2 * len(machine.moves):
                raise
    return machine, build_classes(machine, vocabulary)
