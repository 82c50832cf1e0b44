r"""Regular expressions as grammars of one rule.

Read are literals, escapes, `.`, classes, groups, `|`, and the quantifiers `* + ? {m} {m,} {m,n}`. A
`?` behind one changes what is captured, never the language, and is read over. The whole text has to
match, so `^` at the very beginning and `$` at the very end say nothing. Back references, looking
around and word boundaries are refused with their column. `\d`, `\w` and `\s` are the ASCII ones.
"""

from collections.abc import Mapping
from typing import Final, Never

from grammar.errors import GrammarError, LimitError
from grammar.nodes import EMPTY, Chars, Grammar, Node, Repeat, Seq, choice, complement

Ranges = tuple[tuple[int, int], ...]

REPEATS: Final = 10_000
"""The largest bound of `{m,n}`."""

NESTING: Final = 50
"""The deepest nesting of groups."""

_SETS: Final[dict[str, Ranges]] = {
    "d": ((48, 57),),
    "w": ((48, 57), (65, 90), (95, 95), (97, 122)),
    "s": ((9, 13), (32, 32)),
}
_ESCAPES: Final = {"n": "\n", "r": "\r", "t": "\t", "f": "\f", "v": "\v", "0": "\0"}
_HEX: Final = {"x": 2, "u": 4, "U": 8}
_LINE_ENDS: Final[Ranges] = ((10, 10),)


def regex(pattern: str, ignore_case: bool = False, dot_all: bool = False) -> Grammar:
    """The language of a regular expression.

    Args:
        pattern: The expression; the whole text has to match.
        ignore_case: Letters stand for both of their cases.
        dot_all: `.` stands for the line feed as well.

    Raises:
        GrammarError: not a regular expression, or one that is not read; the message has the column.
        LimitError: a bound or a nesting beyond the limits.
    """
    return Grammar({"start": parse(pattern, ignore_case, dot_all)})


def parse(pattern: str, ignore_case: bool = False, dot_all: bool = False) -> Node:
    """The node of a regular expression, as in `regex`."""
    return Parser(pattern, ignore_case, dot_all).parse()


class Parser:
    """Recursive descent, one character ahead."""

    sets: Mapping[str, Ranges] = _SETS
    line_ends: Ranges = _LINE_ENDS
    nesting: int = NESTING

    def __init__(self, pattern: str, ignore_case: bool, dot_all: bool):
        self.pattern, self.position, self.depth = pattern, 0, 0
        self.ignore_case, self.dot_all = ignore_case, dot_all

    def parse(self) -> Node:
        node = self.alternatives()
        if self.position < len(self.pattern):
            self.refuse("parentheses must be balanced")
        return node

    def refuse(self, rule: str) -> Never:
        got = repr(self.pattern[self.position]) if self.position < len(self.pattern) else "the end"
        raise GrammarError(f"regex, column {self.position + 1}: {rule}, got {got}")

    def peek(self) -> str:
        """The next character, empty at the end."""
        return self.pattern[self.position : self.position + 1]

    def take(self, text: str) -> bool:
        """Whether `text` stands here; if so it is read."""
        found = self.pattern.startswith(text, self.position)
        self.position += len(text) if found else 0
        return found

    def alternatives(self) -> Node:
        parts = [self.sequence()]
        while self.take("|"):
            parts.append(self.sequence())
        return choice(parts)

    def sequence(self) -> Node:
        parts = []
        while self.peek() not in ("", "|", ")"):
            parts.append(self.quantified(self.atom()))
        return Seq(tuple(parts))

    def quantified(self, node: Node) -> Node:
        """`node` with its quantifier, if one follows."""
        low, high = 1, 1
        if self.take("*"):
            low, high = 0, None
        elif self.take("+"):
            high = None
        elif self.take("?"):
            low = 0
        elif self.peek() == "{":
            low, high = self.bounds()
        else:
            return node
        self.take("?")
        if self.peek() in ("*", "+", "?", "{"):
            self.refuse("a quantifier must follow something to repeat")
        return Repeat(node, low, high)

    def bounds(self) -> tuple[int, int | None]:
        self.position += 1
        low = self.number()
        high = low
        if self.take(","):
            high = None if self.peek() == "}" else self.number()
        if not self.take("}"):
            self.refuse("a bound must end with '}'")
        if high is not None and high < low:
            rule = "{m,n} must have m <= n"
            raise GrammarError(f"regex, column {self.position}: {rule}, got {{{low},{high}}}")
        return low, high

    def number(self) -> int:
        begin = self.position
        while self.peek() and self.peek() in "0123456789":
            self.position += 1
        digits = self.pattern[begin : self.position]
        if not digits:
            self.refuse("a bound must be a number")
        if len(digits) > 9 or int(digits) > REPEATS:
            rule = f"a bound must be at most {REPEATS}"
            raise LimitError(f"regex, column {begin + 1}: {rule}, got {digits[:20]}")
        return int(digits)

    def atom(self) -> Node:
        char = self.peek()
        if char == "(":
            return self.group()
        if char in ("*", "+", "?", "{"):
            self.refuse("a quantifier must follow something to repeat")
        if char in ("^", "$"):
            return self.anchor(char)
        self.position += 1
        if char == ".":
            return Chars(complement(() if self.dot_all else self.line_ends))
        if char == "[":
            return self.char_class()
        return self.chars(self.escape() if char == "\\" else ((ord(char), ord(char)),))

    def anchor(self, char: str) -> Node:
        """An anchor that says nothing, as the whole text has to match."""
        edge = 0 if char == "^" else len(self.pattern) - 1
        if self.position != edge or self.depth or "|" in self.pattern:
            self.refuse("an anchor must stand at an end of an expression without '|'")
        self.position += 1
        return EMPTY

    def group(self) -> Node:
        begin = self.position
        self.position += 1
        flags = self.ignore_case, self.dot_all
        if self.take("?"):
            self.flags()
        self.depth += 1
        if self.depth > self.nesting:
            raise LimitError(
                f"regex, column {begin + 1}: groups must nest at most {self.nesting} deep, got more"
            )
        node = self.alternatives()
        if not self.take(")"):
            self.refuse("parentheses must be balanced")
        self.depth -= 1
        self.ignore_case, self.dot_all = flags
        return node

    def flags(self) -> None:
        """The flags of a group, which hold inside it: `i` ignores case, `s` is `dot_all`."""
        while self.peek() in ("i", "s"):
            self.ignore_case |= self.peek() == "i"
            self.dot_all |= self.peek() == "s"
            self.position += 1
        if not self.take(":"):
            self.refuse("a group must be (...), (?:...) or (?is:...)")

    def chars(self, ranges: Ranges) -> Chars:
        if not self.ignore_case:
            return Chars(ranges)
        return Chars(tuple(pair for low, high in ranges for pair in _both_cases(low, high)))

    def char_class(self) -> Node:
        negative, ranges = self.take("^"), []
        first = True
        while first or self.peek() != "]":
            if not self.peek():
                self.refuse("a class must end with ']'")
            ranges += self.member()
            first = False
        self.position += 1
        chars = self.chars(tuple(ranges))
        return Chars(complement(chars.ranges)) if negative else chars

    def member(self) -> Ranges:
        """One character, range or set of a class."""
        low = self.single()
        after = self.pattern[self.position + 1 : self.position + 2]
        if self.peek() != "-" or after in ("", "]"):
            return low
        self.position += 1
        high = self.single()
        if not (low[0][0] == low[-1][1] <= high[0][0] == high[-1][1]):
            self.refuse("a range must run from one character up to another")
        return ((low[0][0], high[0][0]),)

    def single(self) -> Ranges:
        char = self.peek()
        self.position += 1
        return self.escape() if char == "\\" else ((ord(char), ord(char)),)

    def escape(self) -> Ranges:
        """What stands behind a backslash, as ranges."""
        char = self.peek()
        if char and char.lower() in self.sets:
            self.position += 1
            ranges = self.sets[char.lower()]
            return ranges if char.islower() else complement(ranges)
        if char in _HEX:
            return self.code_point(_HEX[char])
        if not char or (char.isalnum() and char not in _ESCAPES):
            self.refuse("an escape must be one that is known")
        self.position += 1
        code = ord(_ESCAPES.get(char, char))
        return ((code, code),)

    def code_point(self, width: int) -> Ranges:
        digits = self.pattern[self.position + 1 : self.position + 1 + width]
        if len(digits) < width or set(digits.lower()) - set("0123456789abcdef"):
            self.refuse(f"an escape must have {width} hexadecimal digits")
        self.position += 1 + width
        return ((int(digits, 16), int(digits, 16)),)


def _both_cases(low: int, high: int) -> Ranges:
    """A range with the other case of its ASCII letters."""
    ranges = [(low, high)]
    for first, last, shift in ((65, 90, 32), (97, 122, -32)):
        begin, end = max(low, first), min(high, last)
        if begin <= end:
            ranges.append((begin + shift, end + shift))
    return tuple(ranges)
