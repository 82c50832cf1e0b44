"""Grammars in the notations of llama.cpp (GBNF), of the W3C and of ISO 14977 (EBNF).

Terminals are what they are at the place where they stand: nothing is longest, nothing ignored.
"""

import re
from collections.abc import Mapping
from typing import Final, Never

from grammar.errors import GrammarError
from grammar.nodes import (
    EMPTY,
    LAST_CODE_POINT,
    Call,
    Chars,
    Grammar,
    Node,
    Repeat,
    Seq,
    choice,
    literal,
)
from grammar.regex import parse

_SHARED: Final = r"""
(?P<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')|(?P<name>[A-Za-z_][\w-]*)|(?P<end>\Z)
"""
_SPACE: Final = r"(?P<space>\s+)|"
_MARKS: Final = (
    r"|(?P<class>\[(?:[^\]\\]|\\.)+\])|(?P<times>\{\d+(?:,\d*)?\})|(?P<mark>::=|[|()*+?.])"
)
_TOKENS: Final[Mapping[str, re.Pattern[str]]] = {
    "GBNF": re.compile(_SPACE + r"(?P<note>\#[^\n]*)|" + _SHARED + _MARKS, re.VERBOSE),
    "W3C": re.compile(
        _SPACE + r"(?P<note>/\*.*?\*/)|(?P<point>\#x[0-9A-Fa-f]+)|" + _SHARED + _MARKS,
        re.VERBOSE | re.DOTALL,
    ),
    "ISO": re.compile(
        _SPACE
        + r"(?P<note>\(\*.*?\*\))|(?P<number>\d+)|"
        + r"""(?P<text>"[^"]+"|'[^']+')|(?P<name>[A-Za-z_]\w*)|(?P<end>\Z)"""
        + r"|(?P<mark>[=,|()\[\]{};*])",
        re.VERBOSE | re.DOTALL,
    ),
}
_ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\r"}


def gbnf(text: str, start: str = "root") -> Grammar:
    """The language of a grammar of llama.cpp.

    Args:
        text: Rules `name ::= ...` of literals, classes, names, groups, `* + ?` and `{m,n}`.
        start: The rule that a whole text has to match.

    Raises:
        GrammarError: not such a grammar; the message has line and column.
    """
    return Grammar(_Reader("GBNF", text).rules(), start)


def ebnf(text: str, start: str | None = None) -> Grammar:
    """The language of a grammar in EBNF, the W3C's (`name ::= ...`) or ISO's (`name = ... ;`).

    Args:
        text: The rules. In the W3C's notation `#x41` is a character; exceptions (`-`) are refused.
        start: The rule that a whole text has to match, the first one if not given.

    Raises:
        GrammarError: not such a grammar; the message has line and column.
    """
    rules = _Reader("W3C" if "::=" in text else "ISO", text).rules()
    return Grammar(rules, next(iter(rules)) if start is None else start)


class _Reader:
    """Recursive descent, one token ahead."""

    def __init__(self, notation: str, text: str):
        self.notation, self.text, self.place, self.tokens = notation, text, 0, _TOKENS[notation]
        self.kind, self.value, self.after = "", "", 0
        self.step()

    def refuse(self, rule: str) -> Never:
        line = self.text.count("\n", 0, self.place) + 1
        column = self.place - self.text.rfind("\n", 0, self.place)
        got = repr(self.text[self.place : self.place + 10]) if self.kind != "end" else "the end"
        name = self.notation if self.notation == "GBNF" else f"EBNF ({self.notation})"
        raise GrammarError(f"{name}, line {line}, column {column}: {rule}, got {got}")

    def step(self) -> str:
        """To the next token; the value of this one."""
        value, self.place = self.value, self.after
        while True:
            found = self.tokens.match(self.text, self.place)
            if found is None:
                self.refuse("must be a grammar")
            self.after = found.end()
            if found.lastgroup not in ("space", "note"):
                self.kind, self.value = str(found.lastgroup), found[0]
                return value
            self.place = self.after

    def take(self, mark: str) -> bool:
        """Whether a mark stands here; if so it is read."""
        found = self.kind == "mark" and self.value == mark
        if found:
            self.step()
        return found

    def need(self, mark: str) -> None:
        if not self.take(mark):
            self.refuse(f"must have {mark!r}")

    def rules(self) -> dict[str, Node]:
        found: dict[str, Node] = {}
        while self.kind != "end":
            if self.kind != "name":
                self.refuse("a rule must begin with its name")
            name = self.step()
            if name in found:
                self.refuse(f"a rule must be defined once ({name})")
            self.need("=" if self.notation == "ISO" else "::=")
            found[name] = self.alternatives()
            if self.notation == "ISO":
                self.need(";")
        if not found:
            self.refuse("must have a rule")
        return found

    def alternatives(self) -> Node:
        parts = [self.sequence()]
        while self.take("|"):
            parts.append(self.sequence())
        return choice(parts)

    def sequence(self) -> Node:
        parts: list[Node] = []
        while self.begins():
            parts.append(self.repeated())
            if self.notation == "ISO" and not self.take(","):
                break
        return Seq(tuple(parts)) if parts else EMPTY

    def begins(self) -> bool:
        """Whether a part begins here; a name in front of `::=` is that of the next rule."""
        if self.kind == "name" and self.notation != "ISO":
            found = self.tokens.match(self.text, self.after)
            while found is not None and found.lastgroup in ("space", "note"):
                found = self.tokens.match(self.text, found.end())
            return found is None or found[0] != "::="
        marks = ("(", "[", "{") if self.notation == "ISO" else ("(", ".")
        return self.kind in ("text", "class", "name", "point", "number") or (
            self.kind == "mark" and self.value in marks
        )

    def repeated(self) -> Node:
        if self.kind == "number":
            times = int(self.step())
            self.need("*")
            return Repeat(self.part(), times, times)
        node = self.part()
        while self.kind == "times" or (self.kind == "mark" and self.value in "*+?"):
            if self.notation == "ISO":
                break
            sign = self.step()
            low, high = {"*": (0, None), "+": (1, None), "?": (0, 1)}.get(sign) or _times(sign)
            if high is not None and high < low:
                self.refuse("bounds must not fall")
            node = Repeat(node, low, high)
        return node

    def part(self) -> Node:
        for opening, closing, bounds in (
            ("[", "]", (0, 1)),
            ("{", "}", (0, None)),
            ("(", ")", None),
        ):
            if self.take(opening):
                node = self.alternatives()
                self.need(closing)
                return node if bounds is None else Repeat(node, *bounds)
        if self.take("."):
            return Chars(((0, 9), (11, LAST_CODE_POINT)))
        kind, value = self.kind, self.value
        if kind == "class":
            try:
                node = parse(re.sub(r"\#x([0-9A-Fa-f]+)", _hexadecimal, value))
            except GrammarError as error:
                self.refuse(f"a class must be one of a regular expression ({error})")
        elif kind == "text":
            node = literal(value[1:-1] if self.notation != "GBNF" else _unescaped(value[1:-1]))
        elif kind == "point":
            node = literal(chr(int(value[2:], 16)))
        elif kind == "name":
            node = Call(value)
        else:
            self.refuse("must have a literal, a class, a name or a group")
        self.step()
        return node


def _times(sign: str) -> tuple[int, int | None]:
    low, comma, high = sign[1:-1].partition(",")
    return int(low), int(high) if high else None if comma else int(low)


def _hexadecimal(found: re.Match[str]) -> str:
    return f"\\U{int(found[1], 16):08x}"


def _unescaped(text: str) -> str:
    def of(found: re.Match[str]) -> str:
        return chr(int(found[1], 16)) if found[1] else _ESCAPES.get(found[0][1:], found[0][1:])

    return re.sub(r"\\(?:[xuU]([0-9A-Fa-f]{2,8})|.)", of, text)
