"""A grammar over lexemes made ready for one vocabulary: the questions of `grammar.compiled`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from grammar.classes import TokenClasses
from grammar.compiled import MASK, Compiled
from grammar.errors import InfeasibleError
from grammar.general.lexicon import Lexed
from grammar.general.passes import Passes
from grammar.general.reader import build_reader
from grammar.general.symbols import build_parts
from grammar.general.tables import Content, build_content, follows_of
from grammar.general.tokens import lex_tokens
from grammar.machine import Machine, build_machine
from grammar.pushdown import Answer
from grammar.vocabulary import Vocabulary

ACTIVE = 64
"""Classes that a hole may be filled from, unless all or others are asked for."""

PLAIN = 4096
"""Smaller vocabularies are not worth the seconds of loading compiled passes."""


@dataclass(frozen=True, kw_only=True)
class Lattice(Compiled):
    """A language over the tokens of one vocabulary whose rules stand above a lexer.

    No filling outside the language is ever taken for one inside, and a canvas is feasible exactly
    if it has a filling. Classes are looked at that are `active` or wanted; where these leave a
    canvas without a filling, more are, and in the end all. A token that stands on the canvas may be
    of any class.
    """

    content: Content
    active: int | None = ACTIVE
    """How many classes are looked at at a hole, the most useful ones first; None: all."""

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
        cells = self._cells(canvas)
        answer = self._passes.answer(cells, self.must_stop, wanted or {}, True)
        if answer.feasible or (self.active is None and not wanted):
            return answer
        return self.wider.masks(canvas)

    @property
    def narrow(self) -> bool:
        return self.active is not None and self.active < self.num_classes

    def unseen(self, liked: Sequence[int]) -> tuple[int, ...]:
        own = self.classes.class_of_token[np.asarray(liked, np.int64)]
        return tuple(np.setdiff1d(own[own >= 0], self._passes.active).tolist())

    def masks_with(self, canvas: Sequence[int], more: Sequence[int]) -> Answer:
        holes = [position for position, token in enumerate(canvas) if token == MASK]
        looked = tuple(dict.fromkeys((*self._passes.active, *more)))
        wanted = dict.fromkeys(holes, looked)
        answer = self._passes.answer(self._cells(canvas), self.must_stop, wanted, True)
        if answer.feasible or not self.narrow:
            return answer
        return self.wider.masks_with(canvas, more)

    def feasible(self, canvas: Sequence[int]) -> bool:
        """Whether some filling of the canvas is valid."""
        return self.completes(canvas) or (self.narrow and self.wider.feasible(canvas))

    def keep(
        self, before: Sequence[int], after: Sequence[int], confidence: Sequence[float]
    ) -> list[int]:
        """As `Compiled.keep`; writes are kept that leave a filling from active classes.

        Only where there is none at all, more classes are looked at.
        """
        try:
            return super().keep(before, after, confidence)
        except InfeasibleError:
            if not self.narrow:
                raise
            return self.wider.keep(before, after, confidence)

    @cached_property
    def wider(self) -> "Lattice":
        """The same language with four times as many active classes, or with all."""
        more = 4 * (self.active or 0)
        return self.with_active(more if 0 < more < self.num_classes else None)

    def completes(self, canvas: Sequence[int]) -> bool:
        """Whether some filling from active classes is valid."""
        return self._passes.answer(self._cells(canvas), self.must_stop, {}, False).feasible

    def least_tokens(self, limit: int) -> int:
        for length in range(limit + 1):
            if self.feasible([MASK] * length):
                return length
        raise InfeasibleError(f"a text must fit into {limit} tokens, got a language without one")

    @cached_property
    def _passes(self) -> Passes:
        plain = len(self.vocabulary.tokens) < PLAIN
        return Passes(self.content, self.active, plain, bool(self.vocabulary.stop_ids))


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
