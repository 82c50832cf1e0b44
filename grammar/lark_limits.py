"""Lark grammars that would take the lark library too long, told by a look at their text.

The library spells a rule's alternatives out: `"a"? "b"?` become four, and forty such options more
than any machine can hold. It would also go on for ever with templates whose arguments grow.
"""

import re
from typing import Final, Never

from grammar.errors import LimitError

CHARACTERS: Final = 100_000
"""The longest text of a grammar."""

NESTING: Final = 50
"""The deepest nesting of groups."""

EXPANSIONS: Final = 5_000
"""The most alternatives that a rule may have when they are spelled out."""

_TOKEN: Final = re.compile(
    r"""
    (?P<gap>\s+|//[^\n]*|\#[^\n]*)
    |(?P<text>"(?:\\.|[^"\\\n])*"i?|/(?!/)(?:\\.|[^/\\\n])+/[imslux]*)
    |(?P<head>[?!]*[A-Za-z_]\w*(?:\{[^}\n]*\})?(?:\.-?\d+)?\s*:)
    |(?P<repeat>~\s*\d+(?:\s*\.\.\s*\d+)?)
    |(?P<alias>->\s*\w+)
    |(?P<name>[A-Za-z_]\w*|%\w+|\.\.|\d+)
    |(?P<sign>.)
    """,
    re.VERBOSE,
)

_SPELLED_OUT: Final = 50
"""Repeats below so many are spelled out by the library."""

_FACTORS: Final = 6
"""Other repeats become rules of at most so many parts."""


def refuse_bombs(text: str) -> None:
    """Refuses a grammar that is too large, too deep, or has too many alternatives.

    Raises:
        LimitError: with the line and the column, where there is one.
    """
    if len(text) > CHARACTERS:
        rule = f"must have at most {CHARACTERS} characters"
        raise LimitError(f"Lark grammar: {rule}, got {len(text)}")
    rule = _Rule(text, counted=False)
    for token in _TOKEN.finditer(text):
        kind, word = token.lastgroup, token[0]
        if kind == "head":
            # Alternatives of a terminal become one expression and are not spelled out.
            terminal = word.lstrip("?!_")[:1].isupper()
            rule = _Rule(text, counted=not terminal, template="{" in word)
        elif kind != "gap" and kind != "alias":
            rule.read(kind, word, token.start())


class _Rule:
    """Counts the alternatives of one rule. Levels are open groups: (alternatives, sequence)."""

    def __init__(self, text: str, counted: bool, template: bool = False):
        self.text, self.counted, self.template = text, counted, template
        self.braces = 0
        self.levels = [(0, 1)]
        self.item = 1
        """The alternatives of what was read last; a quantifier may follow."""

    def read(self, kind: str | None, word: str, at: int) -> None:
        if kind == "repeat":
            self.repeat([int(bound) for bound in re.findall(r"\d+", word)])
        elif word in ("(", "[", "{"):
            self.open(word, at)
        elif word in (")", "]", "}"):
            self.close(word)
        elif word == "|":
            self.end_item()
            alternatives, sequence = self.levels[-1]
            self.levels[-1] = (alternatives + sequence, 1)
        elif word in ("?", "*", "+"):
            self.item = {"?": self.item + 1, "*": 2, "+": 1}[word]  # two are rules of their own
        elif kind in ("text", "name"):
            self.end_item()
        most = max(self.item, *map(sum, self.levels))
        if self.counted and most > EXPANSIONS:
            self.refuse(f"a rule must have at most {EXPANSIONS} alternatives, got more", at)

    def open(self, word: str, at: int) -> None:
        if word == "{":
            self.braces += 1
            if self.template and self.braces > 1:
                self.refuse("a template must not give a template's call to another", at)
            return
        self.end_item()
        self.levels.append((0, 1))
        if len(self.levels) > NESTING:
            self.refuse(f"groups must nest at most {NESTING} deep, got more", at)

    def close(self, word: str) -> None:
        if word == "}":
            self.braces -= 1
        elif len(self.levels) > 1:
            self.end_item()
            alternatives, sequence = self.levels.pop()
            self.item = alternatives + sequence + (word == "]")

    def end_item(self) -> None:
        """What was read last is one more of its sequence."""
        alternatives, sequence = self.levels[-1]
        self.levels[-1] = (alternatives, min(sequence * self.item, 2 * EXPANSIONS))
        self.item = 1

    def repeat(self, bounds: list[int]) -> None:
        low, high = bounds[0], bounds[-1]
        if high < _SPELLED_OUT:
            self.item = sum(min(self.item**n, 2 * EXPANSIONS) for n in range(low, high + 1))
        else:
            self.item **= _FACTORS
        self.item = min(max(self.item, 1), 2 * EXPANSIONS)

    def refuse(self, rule: str, at: int) -> Never:
        line = self.text.count("\n", 0, at) + 1
        column = at - self.text.rfind("\n", 0, at)
        raise LimitError(f"Lark grammar, line {line}, column {column}: {rule}")
