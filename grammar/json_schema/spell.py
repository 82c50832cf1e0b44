r"""How texts and numbers are written in JSON.

A character below U+007F stands for itself; `"`, `\` and control characters are escaped, `/` may be.
Beyond, a character stands for itself or is a `\u` escape (two for one above U+FFFF). So `A` is not
written `\u0041`: that narrows the spelling of a text, never the text.
"""

from collections.abc import Iterator
from typing import Final

from grammar.json_schema.languages import ALL, Language
from grammar.json_schema.numbers import INTEGERS, NUMBERS
from grammar.nodes import Alt, Automaton, Call, Chars, Node, Seq, literal
from grammar.regex import parse

STRING: Final = parse(
    r'"([^"\\\x00-\x1f]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*"',
)
"""Any text, in any spelling of RFC 8259."""

_NUMBER: Final = parse(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_INTEGER: Final = parse(r"-?(0|[1-9][0-9]*)(\.0+)?([eE]\+?[0-9]+)?")

_PLAIN: Final = ((0x20, 0x21), (0x23, 0x5B), (0x5D, 0x7F))
_WIDE: Final = ((0x80, 0xD7FF), (0xE000, 0x10FFFF))
_SHORT: Final = {8: "b", 9: "t", 10: "n", 12: "f", 13: "r", 34: '"', 47: "/", 92: "\\"}

Ranges = tuple[tuple[int, int], ...]


def number(language: Language) -> Node:
    """The texts of numbers; exponents where all numbers or all integers may stand."""
    if language == NUMBERS:
        return _NUMBER
    return _INTEGER if language == INTEGERS else _plainly(language)


def _plainly(language: Language) -> Node:
    rows = tuple(
        tuple((Chars(((low, high),)), target) for low, high, target in row) for row in language.rows
    )
    return Automaton(rows, language.finals)


class Speller:
    """Writes languages of texts as nodes; what they share becomes rules."""

    def __init__(self):
        self.rules: dict[str, Node] = {"string": STRING}

    def string(self, language: Language) -> Node:
        """The texts of a language in quotes."""
        if language == ALL:
            return Call("string")
        return Seq((literal('"'), self.inner(language), literal('"')))

    def text(self, text: str) -> Node:
        """One text in quotes."""
        parts = [self._wide(((ord(char), ord(char)),)) for char in text]
        return Seq((literal('"'), *parts, literal('"')))

    def inner(self, language: Language) -> Node:
        rows = []
        for row in language.rows:
            targets: dict[int, list[tuple[int, int]]] = {}
            for low, high, target in row:
                targets.setdefault(target, []).append((low, high))
            rows.append(
                tuple(edge for t, ranges in targets.items() for edge in self._edges(ranges, t))
            )
        return Automaton(tuple(rows), language.finals)

    def _edges(self, ranges: list[tuple[int, int]], target: int) -> Iterator[tuple[Node, int]]:
        """Plain characters where they stand; the others by a rule, as they need more states."""
        plain = tuple(_cut(ranges, _PLAIN))
        if plain:
            yield Chars(plain), target
        special = tuple(
            pair for pair in _cut(ranges, ((0, 0x1F), (34, 34), (47, 47), (92, 92), *_WIDE))
        )
        if special:
            yield self._wide(special), target

    def _wide(self, ranges: Ranges) -> Node:
        """One character of the ranges, in any of its spellings."""
        if len(ranges) == 1 and ranges[0][0] == ranges[0][1]:
            return Alt(tuple(_spellings(ranges)))
        name = "char " + " ".join(f"{low:x}-{high:x}" for low, high in ranges)
        if name not in self.rules:
            self.rules[name] = Alt(tuple(_spellings(ranges)))
        return Call(name)


def _cut(ranges: list[tuple[int, int]] | Ranges, within: Ranges) -> Iterator[tuple[int, int]]:
    """The parts of ranges that lie in others."""
    for low, high in ranges:
        for first, last in within:
            if max(low, first) <= min(high, last):
                yield max(low, first), min(high, last)


def _spellings(ranges: Ranges) -> Iterator[Node]:
    raw = (*_cut(ranges, _PLAIN), *_cut(ranges, _WIDE))
    if raw:
        yield Chars(raw)
    for code, letter in _SHORT.items():
        if any(low <= code <= high for low, high in ranges):
            yield literal("\\" + letter)
    for low, high in _cut(ranges, ((0, 0x1F), (0x7F, 0xD7FF), (0xE000, 0xFFFF))):
        yield from (_escape(low, high))
    for low, high in _cut(ranges, ((0x10000, 0x10FFFF),)):
        yield from _pairs(low - 0x10000, high - 0x10000)


def _pairs(low: int, high: int) -> Iterator[Node]:
    """Pairs of surrogates for code points above U+FFFF, counted from there."""
    first, last = low >> 10, high >> 10
    if first < last and low & 0x3FF:
        yield from _pairs(low, low | 0x3FF)
        yield from _pairs((low | 0x3FF) + 1, high)
    elif first < last and high & 0x3FF != 0x3FF:
        yield from _pairs(low, (high & ~0x3FF) - 1)
        yield from _pairs(high & ~0x3FF, high)
    else:
        ahead = Alt(tuple(_escape(0xD800 + first, 0xD800 + last)))
        behind = Alt(tuple(_escape(0xDC00 + (low & 0x3FF), 0xDC00 + (high & 0x3FF))))
        yield Seq((ahead, behind))


def _escape(low: int, high: int) -> Iterator[Node]:
    r"""The escapes `\uXXXX` of a range of code units."""
    for digits in _hexadecimal(low, high, 12):
        yield Seq((literal("\\u"), *map(_digit, digits)))


def _hexadecimal(low: int, high: int, shift: int) -> Iterator[tuple[tuple[int, int], ...]]:
    """A range of numbers as ranges of their digits, all combinations of which are in it."""
    if shift < 0:
        yield ()
        return
    span = (1 << shift) - 1
    first, last = low >> shift & 15, high >> shift & 15
    if first == last:
        yield from (
            ((first, last), *rest) for rest in _hexadecimal(low & span, high & span, shift - 4)
        )
        return
    if low & span:
        yield from (((first, first), *rest) for rest in _hexadecimal(low & span, span, shift - 4))
        first += 1
    if high & span != span:
        yield from (((last, last), *rest) for rest in _hexadecimal(0, high & span, shift - 4))
        last -= 1
    if first <= last:
        yield from (((first, last), *rest) for rest in _hexadecimal(0, span, shift - 4))


def _digit(pair: tuple[int, int]) -> Node:
    """A hexadecimal digit out of a range, in either case."""
    low, high = pair
    ranges = [(48 + low, 48 + min(high, 9))] if low <= 9 else []
    if high >= 10:
        ranges += [(begin + max(low, 10) - 10, begin + high - 10) for begin in (65, 97)]
    return Chars(tuple(ranges))
