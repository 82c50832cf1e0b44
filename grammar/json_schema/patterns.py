"""Patterns of JSON Schema (ECMA 262 regular expressions) as languages.

A pattern is searched for, so it need not match the whole text. Anchors may stand anywhere: an edge
for one is read without a character, `^` only before the first, `$` only behind the last. Looking
ahead is read where it is an intersection: at the beginning of a pattern without `|`.
"""

from collections.abc import Iterable
from functools import cache
from itertools import pairwise
from typing import Final
from unicodedata import category

from grammar.errors import LimitError
from grammar.json_schema.languages import EVERY, STATES, Language, explore
from grammar.nodes import EMPTY, Alt, Chars, Node, Seq, complement
from grammar.regex import Parser, Ranges
from grammar.thompson import Thompson

CHARACTERS: Final = 20_000
"""The longest pattern."""

BEGIN: Final = Chars(((-1, -1),))
"""The anchor `^`, as a character that no text holds."""
END: Final = Chars(((-2, -2),))

_SPACES: Final = (
    (9, 13), (32, 32), (160, 160), (0x1680, 0x1680), (0x2000, 0x200A), (0x2028, 0x2029),
    (0x202F, 0x202F), (0x205F, 0x205F), (0x3000, 0x3000), (0xFEFF, 0xFEFF),
)  # fmt: skip
_SETS: Final = {"d": ((48, 57),), "w": ((48, 57), (65, 90), (95, 95), (97, 122)), "s": _SPACES}


class _Ecma(Parser):
    """What ECMA reads otherwise: anchors anywhere, its sets, looking ahead, properties."""

    sets = _SETS
    line_ends = ((10, 10), (13, 13), (0x2028, 0x2029))
    nesting = 25

    def __init__(self, pattern: str):
        super().__init__(pattern, ignore_case=False, dot_all=False)
        self.ahead: list[tuple[bool, Node]] = []

    def anchor(self, char: str) -> Node:
        self.position += 1
        return BEGIN if char == "^" else END

    def alternatives(self) -> Node:
        node = super().alternatives()
        if self.ahead and not self.depth and isinstance(node, Alt):
            self.refuse("looking ahead must stand in an expression without '|'")
        return node

    def atom(self) -> Node:
        if self.peek() == "{":
            # Outside the u flag a brace that opens no quantifier stands for itself.
            self.position += 1
            return Chars(((123, 123),))
        return super().atom()

    def group(self) -> Node:
        for opening, holds in (("(?=", True), ("(?!", False)):
            if self.pattern.startswith(opening, self.position):
                return self.look(len(opening), holds)
        if self.pattern.startswith("(?<", self.position):
            return self.named()
        return super().group()

    def look(self, width: int, holds: bool) -> Node:
        before = self.pattern[: self.position]
        if self.depth or not (before == "^" or (self.ahead and before.endswith(")"))):
            self.refuse("looking ahead must stand at the beginning, right behind '^'")
        if self.ahead and self.position != self.behind:
            self.refuse("looking ahead must stand at the beginning, right behind '^'")
        self.position += width
        self.depth += 1
        node = self.alternatives()
        self.depth -= 1
        if not self.take(")"):
            self.refuse("parentheses must be balanced")
        self.ahead.append((holds, node))
        self.behind = self.position
        return EMPTY

    def named(self) -> Node:
        """A named group; looking behind is refused."""
        end = self.pattern.find(">", self.position)
        name = self.pattern[self.position + 3 : end]
        if end < 0 or not name.isidentifier():
            self.refuse("a group must be (...), (?:...) or (?<name>...)")
        self.pattern = self.pattern[: self.position + 1] + "?:" + self.pattern[end + 1 :]
        return super().group()

    def escape(self) -> Ranges:
        char = self.peek()
        if char in ("p", "P") and self.pattern.startswith("{", self.position + 1):
            return self.unicode_property(char == "P")
        if char == "u" and self.pattern.startswith("{", self.position + 1):
            return self.braced_code_point()
        if char == "c" and self.pattern[self.position + 1 : self.position + 2].isalpha():
            self.position += 2
            code = ord(self.pattern[self.position - 1]) % 32
            return ((code, code),)
        if char.isdigit() and char != "0":
            self.refuse("an escape must be one that is known")
        return super().escape()

    def braced(self) -> str:
        end = self.pattern.find("}", self.position)
        if end < 0:
            self.refuse("an escape must be one that is known")
        name = self.pattern[self.position + 2 : end]
        self.position = end + 1
        return name

    def braced_code_point(self) -> Ranges:
        begin = self.position
        digits = self.braced()
        if not digits or len(digits) > 6 or set(digits.lower()) - set("0123456789abcdef"):
            self.position = begin
            self.refuse("an escape must be one that is known")
        return ((int(digits, 16), int(digits, 16)),)

    def unicode_property(self, negative: bool) -> Ranges:
        begin = self.position
        name = self.braced().removeprefix("General_Category=").removeprefix("gc=")
        short = _LONG_NAMES.get(name, name)
        if short not in _CATEGORIES:
            self.position = begin
            self.refuse("an escape must be one that is known")
        ranges = _of_category(short)
        return complement(ranges) if negative else ranges


_LONG_NAMES: Final = {
    "Letter": "L",
    "Lowercase_Letter": "Ll",
    "Uppercase_Letter": "Lu",
    "Mark": "M",
    "Number": "N",
    "Decimal_Number": "Nd",
    "digit": "Nd",
    "Punctuation": "P",
    "Symbol": "S",
    "Separator": "Z",
}
_CATEGORIES: Final = frozenset(
    [
        "L",
        "Ll",
        "Lu",
        "Lt",
        "Lm",
        "Lo",
        "M",
        "Mn",
        "Mc",
        "Me",
        "N",
        "Nd",
        "Nl",
        "No",
        "P",
        "Pc",
        "Pd",
        "Ps",
        "Pe",
        "Pi",
        "Pf",
        "Po",
        "S",
        "Sm",
        "Sc",
        "Sk",
        "So",
        "Z",
        "Zs",
        "Zl",
        "Zp",
    ]
)


@cache
def _of_category(name: str) -> Ranges:
    """The code points whose general category begins with `name`."""
    ranges: list[tuple[int, int]] = []
    for code in (code for low, high in EVERY for code in range(low, high + 1)):
        if category(chr(code)).startswith(name):
            if ranges and ranges[-1][1] == code - 1:
                ranges[-1] = (ranges[-1][0], code)
            else:
                ranges.append((code, code))
    return tuple(ranges)


@cache
def search(pattern: str) -> Language:
    """The texts in which a pattern is found.

    Raises:
        GrammarError: no regular expression, or one that is not read, with the column.
        LimitError: a pattern beyond the limits.
    """
    if len(pattern) > CHARACTERS:
        rule = f"a pattern must have at most {CHARACTERS} characters"
        raise LimitError(f"{rule}, got {len(pattern)}")
    parser = _Ecma(pattern)
    node = parser.parse()
    language = _Search(node).language()
    for holds, ahead in parser.ahead:
        found = _Search(Seq((BEGIN, ahead))).language()
        language = language & found if holds else language - found
    return language


@cache
def whole(pattern: str) -> Language:
    """The texts that a pattern matches as a whole."""
    return search(f"^(?:{pattern})$")


class _Search(Thompson):
    """States with ranges, silent edges and anchors, and their subsets."""

    def __init__(self, node: Node):
        self.edges: list[list[tuple[int, int, int]]] = []
        self.silent: list[list[int]] = []
        self.anchors: list[list[tuple[Node, int]]] = []
        self.start, self.end = self.state(), self.state()
        self.add(node, self.start, self.end)

    def state(self) -> int:
        if len(self.edges) > 5 * STATES:
            raise LimitError(f"a pattern must need at most {5 * STATES} states, got more")
        self.edges.append([])
        self.silent.append([])
        self.anchors.append([])
        return len(self.edges) - 1

    def add_leaf(self, node: Node, begin: int, end: int) -> None:
        if not isinstance(node, Chars):
            raise AssertionError(f"an expression has no {type(node).__name__}")
        if node in (BEGIN, END):
            self.anchors[begin].append((node, end))
            return
        for low, high in node.ranges:
            pairs = [(max(low, first), min(high, last), end) for first, last in EVERY]
            self.edges[begin] += [pair for pair in pairs if pair[0] <= pair[1]]

    def closure(
        self, states: Iterable[tuple[int, bool]], first: bool
    ) -> frozenset[tuple[int, bool]]:
        """What is reached without a character; the flag says that none may follow."""
        reached = set(states)
        waiting = list(reached)
        while waiting:
            state, ended = waiting.pop()
            fresh = {(target, ended) for target in self.silent[state]}
            for anchor, target in self.anchors[state]:
                if anchor is END or anchor == END:
                    fresh.add((target, True))
                elif first:
                    fresh.add((target, ended))
            fresh -= reached
            reached |= fresh
            waiting += fresh
        return (
            frozenset({(self.end, False)}) if (self.end, False) in reached else frozenset(reached)
        )

    def language(self) -> Language:
        found = frozenset({(self.end, False)})

        def step(subset: frozenset[tuple[int, bool]]) -> Iterable[tuple[int, int, object]]:
            if subset == found:
                return [(low, high, found) for low, high in EVERY]
            edges = [edge for state, ended in subset if not ended for edge in self.edges[state]]
            return [
                (
                    low,
                    high,
                    self.closure({(self.start, False), *((t, False) for t in targets)}, False),
                )
                for low, high, targets in _segments(edges)
            ]

        def final(subset: frozenset[tuple[int, bool]]) -> bool:
            return (self.end, False) in subset or (self.end, True) in subset

        return explore(self.closure({(self.start, False)}, True), step, final)


def _segments(edges: list[tuple[int, int, int]]) -> Iterable[tuple[int, int, frozenset[int]]]:
    """All code points in ranges, with the targets of the edges that read them."""
    events: dict[int, list[tuple[int, int]]] = {
        point: [] for low, high in EVERY for point in (low, high + 1)
    }
    for low, high, target in edges:
        events.setdefault(low, []).append((1, target))
        events.setdefault(high + 1, []).append((-1, target))
    counts: dict[int, int] = {}
    points = sorted(events)
    for low, after in pairwise(points):
        for change, target in events[low]:
            counts[target] = counts.get(target, 0) + change
            if not counts[target]:
                del counts[target]
        if not 0xD800 <= low <= 0xDFFF:
            yield low, after - 1, frozenset(counts)
