"""Languages as constraints of a decode: a compiled grammar for each row.

The host side of `dllm.hosted`: canvases come in, bits of token classes and canvases go out.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int, UInt32

from dllm.caches import Memory
from dllm.forward import ClassBits
from dllm.hosted import Asked, run_hosted
from dllm.row import Row, Settings
from grammar import Compiled
from samplers import MASK, VOID

ALL = np.uint32(0xFFFFFFFF)

WORDS = 8
"""The least words that classes are packed into, twice as many if need be, and so on: languages of
different size share a program."""

REMEMBERED = 4096
"""Canvases whose answers are kept: a step is judged once and looked at once."""


class Languages:
    """A language a row; `None` where a row is free.

    Args:
        of_row: The compiled grammar of each row, all over the model's vocabulary.
        begins: Where each row's text begins: the canvas from there to its end is what the language
            is about. Behind the prompt, or 0 for a template.
    """

    def __init__(self, of_row: Sequence[Compiled | None], begins: Sequence[int]) -> None:
        if len(of_row) != len(begins):
            raise ValueError(
                f"Languages: begins must have one entry a row ({len(of_row)}), got {len(begins)}"
            )
        self._book = _Book([language for language in of_row if language is not None])
        self._of_row, self._begins = list(of_row), list(begins)

    @property
    def guarded(self) -> Bool[np.ndarray, " batch"]:
        """Which rows have a language."""
        return np.asarray([language is not None for language in self._of_row])

    def take(self, rows: Sequence[int]) -> "Languages":
        """The languages of a batch of these rows; a negative number is an empty slot."""
        taken = object.__new__(Languages)
        taken._book = self._book
        taken._of_row = [self._of_row[row] if row >= 0 else None for row in rows]
        taken._begins = [self._begins[row] if row >= 0 else 0 for row in rows]
        return taken

    def require(self, row: int, canvas: Sequence[int]) -> None:
        """Refuses a row that has no filling.

        Raises:
            grammar.InfeasibleError: with the number of tokens that it would need.
        """
        language = self._of_row[row]
        if language is not None:
            text = list(canvas[self._begins[row] :])
            if not self._book.judge(language, text).feasible:
                language.require(text)

    def run(self, *arguments: Any, settings: Settings) -> tuple[Row, Memory | None, int]:
        """`dllm.decode.run` under these languages."""
        return run_hosted(self, *arguments, settings=settings)

    @property
    def narrow(self) -> bool:
        """Whether a language has to be told what the model likes."""
        return any(language is not None and language.narrow for language in self._of_row)

    def look(
        self,
        canvases: Int[np.ndarray, "batch drafts length"],
        running: Bool[np.ndarray, " batch"],
        liked: Int[np.ndarray, "batch drafts length"] | None = None,
    ) -> tuple[ClassBits, Int[np.ndarray, "batch drafts length"]]:
        words = np.full((*canvases.shape, self._book.words), ALL, np.uint32)
        free = np.full(canvases.shape, MASK, np.int32)
        which = np.zeros(len(canvases), np.int32)
        for row, (language, begin) in enumerate(zip(self._of_row, self._begins, strict=True)):
            if language is None or not running[row]:
                continue
            which[row] = self._book.number(language)
            for draft, canvas in enumerate(canvases[row]):
                text = _text(canvas, begin)
                tokens: list[int] = []
                if liked is not None:
                    tokens = liked[row, draft, begin:][canvas[begin:] == MASK].tolist()
                judged = self._book.judge(language, text, tokens)
                span = slice(begin, begin + len(text))
                decided = (canvas[span] != MASK)[:, None]
                words[row, draft, span] = np.where(decided, ALL, judged.words)
                free[row, draft, span] = judged.free
        return ClassBits(words, which, self._book.classes), free

    def keep(
        self, asked: Asked, alive: Bool[np.ndarray, " batch"]
    ) -> Int[np.ndarray, "batch length"]:
        after = np.array(asked.move.canvas)
        for row, language in enumerate(self._of_row):
            if language is None or not alive[row]:
                continue
            told = (asked.before[row], asked.tokens[row], asked.confidence[row])
            own = self._keep(language, self._begins[row], after[row], *map(np.asarray, told))
            after[row] = own
        return after

    def _keep(
        self,
        language: Compiled,
        begin: int,
        after: Int[np.ndarray, " length"],
        before: Int[np.ndarray, " length"],
        tokens: Int[np.ndarray, " length"],
        confidence: Float[np.ndarray, " length"],
    ) -> Int[np.ndarray, " length"]:
        changed = np.flatnonzero((after != before) & (after != MASK))
        one = len(changed) == 1 and before[changed[0]] == MASK
        # One write of an admissible token, which the model's proposals all are, is valid by itself.
        if not len(changed) or (one and after[changed[0]] == tokens[changed[0]]):
            return after
        size = np.sum(before != VOID)
        text = _text(after, begin)
        # A narrow language looks at more before its masks: they wait for the next forward.
        if language.narrow:
            fits = language.completes(text)
        else:
            fits = self._book.judge(language, text).feasible
        if fits:
            return after
        whole = np.where(after == VOID, before, after)  # a row is cut short where that is valid
        kept = language.keep(
            before[begin:size].tolist(), whole[begin:size].tolist(), confidence[begin:size].tolist()
        )
        return np.concatenate([after[:begin], np.asarray(kept, after.dtype), after[size:]])


def _text(canvas: Int[np.ndarray, " length"], begin: int) -> list[int]:
    """The part of a canvas that a language is about."""
    return [token for token in canvas[begin:].tolist() if token != VOID]


class _Judged:
    """What a language says of one canvas, packed."""

    def __init__(
        self, language: Compiled, canvas: list[int], more: Sequence[int], words: int
    ) -> None:
        answer = language.masks_with(canvas, more)
        self.feasible = answer.feasible
        self.words = _pack(answer.classes, words)
        self.free = language.forced(canvas, answer)


def _pack(
    classes: Bool[np.ndarray, "length classes"], words: int
) -> UInt32[np.ndarray, "length words"]:
    padded = np.zeros((classes.shape[0], 32 * words), np.bool_)
    padded[:, : classes.shape[1]] = classes
    return np.packbits(padded, axis=-1, bitorder="little").view("<u4")


class _Book:
    """The languages of all rows, once each, and what they have said."""

    def __init__(self, languages: Sequence[Compiled]) -> None:
        self._numbers = {id(language): 0 for language in languages}
        distinct = list({id(language): language for language in languages}.values())
        for number, language in enumerate(distinct):
            self._numbers[id(language)] = number
        sizes = {len(language.vocabulary.tokens) for language in distinct}
        if len(sizes) > 1:
            raise ValueError(
                f"Languages: must be compiled for one vocabulary, got sizes {sorted(sizes)}"
            )
        # Behind the classes a bit for the stop tokens, and one that is never set for the others.
        most = max((language.num_classes for language in distinct), default=0) + 2
        self.words = WORDS
        while 32 * self.words < most:
            self.words *= 2
        rows = [_numbered(language) for language in distinct] or [np.zeros(1, np.int32)]
        rows += [rows[-1]] * (2 ** (len(rows) - 1).bit_length() - len(rows))
        self.classes: Int[np.ndarray, "languages vocab"] = np.stack(rows)
        self._known: dict[tuple[int, bytes, tuple[int, ...]], _Judged] = {}

    def number(self, language: Compiled) -> int:
        return self._numbers[id(language)]

    def judge(self, language: Compiled, canvas: list[int], liked: Sequence[int] = ()) -> _Judged:
        more = language.unseen(liked)
        key = (self.number(language), np.asarray(canvas, np.int32).tobytes(), more)
        if key not in self._known:
            while len(self._known) >= REMEMBERED:
                self._known.pop(next(iter(self._known)))
            self._known[key] = _Judged(language, canvas, more, self.words)
        return self._known[key]


def _numbered(language: Compiled) -> Int[np.ndarray, " vocab"]:
    """The class of every token, with a class of their own for those that are never allowed."""
    numbers = language.class_of_token()
    return np.where(numbers < 0, language.num_classes + 1, numbers).astype(np.int32)
