"""What a text is cut into before its rules are read: terminals, and the rules of cutting."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from grammar.errors import GrammarError
from grammar.nodes import Grammar, Node


@dataclass(frozen=True)
class Terminal:
    """A named set of lexemes.

    Attributes:
        node: The regular language of its bytes, without calls.
        rank: A lexeme that several terminals match is one of those of the highest rank alone.
    """

    node: Node
    rank: tuple[int, ...] = (0,)


@dataclass(frozen=True)
class Indent:
    """Blocks by indentation: what begins a line says which blocks end or begin there.

    The terminal `newline` matches whatever lies between two lines, up to the last line feed; the
    lexer reads the spaces behind it. A line that is indented as the one before makes a `newline`,
    one more step a `newline` and an `indent`, fewer steps a `newline` and a `dedent` each. A text
    begins as if behind a line feed, and ends all its blocks.

    Attributes:
        width: Spaces of one step.
        levels: The deepest nesting.
    """

    newline: str
    indent: str
    dedent: str
    width: int = 4
    levels: int = 8

    def __post_init__(self):
        for name in ("width", "levels"):
            if getattr(self, name) < 1:
                raise GrammarError(f"indent: {name} must be at least 1, got {getattr(self, name)}")

    def __contains__(self, name: str) -> bool:
        return name in (self.newline, self.indent, self.dedent)


@dataclass(frozen=True)
class Lexicon:
    """Terminals and how text is cut.

    Attributes:
        terminals: By name; those that no rule and no `ignored` names are words kept free.
        ignored: Terminals that may stand anywhere between others and are read over.
        longest: A lexeme ends only where no terminal could go on with the next byte, so a text is
            cut as a lexer that takes the longest lexeme would. If not, all cuts are tried, and rank
            says nothing.
        split: Pairs of a lexeme and the byte before which it may end all the same, such as
            `(b">", b">")`.
        indent: Blocks by indentation, if the grammar has any.
    """

    terminals: Mapping[str, Terminal]
    ignored: frozenset[str] = frozenset()
    longest: bool = True
    split: tuple[tuple[bytes, bytes], ...] = ()
    indent: Indent | None = None

    def __post_init__(self):
        missing = sorted(self.ignored - set(self.terminals))
        if missing:
            raise GrammarError(f"an ignored terminal must be defined, got {missing[0]!r}")
        if self.indent and self.indent.newline not in self.terminals:
            raise GrammarError(
                f"indent: the newline terminal must have a pattern, got {self.indent.newline!r}"
            )


@dataclass(frozen=True)
class Lexed(Grammar):
    """Rules over terminals: a `Call` of a name in the lexicon is a lexeme of that terminal."""

    lexicon: Lexicon = field(default_factory=lambda: Lexicon({}))

    def __post_init__(self):
        both = sorted(set(self.rules) & set(self.lexicon.terminals))
        if both:
            raise GrammarError(f"a name must be a rule or a terminal, got both for {both[0]!r}")
