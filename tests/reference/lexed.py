"""Grammars over lexemes by definition: every cut of a text is tried, and read with the rules.

Indentation is read line by line, as its definition says.
"""

from collections.abc import Iterator
from functools import cache, partial
from itertools import product

from grammar.general.lexicon import Lexed, Lexicon
from grammar.nodes import Alt, Call, Chars, Grammar, Node, Repeat, Seq
from tests.reference.grammar import derives, fillings_of

AHEAD = 3
"""Bytes that a terminal may still need behind any beginning of a text."""


def belongs(grammar: Lexed, text: bytes, alphabet: bytes) -> bool:
    """Whether the whole text is in the language; `alphabet` has all bytes of the terminals."""
    names = {name: number for number, name in enumerate(grammar.lexicon.terminals)}
    plain = Grammar(
        {name: _numbered(node, names) for name, node in grammar.rules.items()}, grammar.start
    )
    reader = _Reader(grammar.lexicon, alphabet)
    words = {
        "".join(chr(names[name]) for name in word)
        for cut in reader.cuts(text)
        for word in product(*cut)
    }
    return any(derives(plain, word.encode()) for word in words)


def _numbered(node: Node, names: dict[str, int]) -> Node:
    match node:
        case Call():
            own = names.get(node.name)
            return node if own is None else Chars(((own, own),))
        case Seq():
            return Seq(tuple(_numbered(part, names) for part in node.parts))
        case Alt():
            return Alt(tuple(_numbered(part, names) for part in node.parts))
        case Repeat():
            return Repeat(_numbered(node.node, names), node.low, node.high)
    raise AssertionError(node)


class _Reader:
    def __init__(self, lexicon: Lexicon, alphabet: bytes):
        self.lexicon = lexicon
        self.letters = [bytes([byte]) for byte in sorted(set(alphabet))]
        self.matching = cache(self.matching)
        self.goes_on = cache(self.goes_on)

    def matching(self, lexeme: bytes) -> frozenset[str]:
        """The terminals that a lexeme may be."""
        found = [
            name
            for name, terminal in self.lexicon.terminals.items()
            if derives(Grammar({"start": terminal.node}), lexeme)
        ]
        if not self.lexicon.longest or not found:
            return frozenset(found)
        best = max(self.lexicon.terminals[name].rank for name in found)
        return frozenset(n for n in found if self.lexicon.terminals[n].rank == best)

    def goes_on(self, beginning: bytes) -> bool:
        """Whether some terminal has a text that begins so."""
        return any(
            self.matching(beginning + b"".join(more))
            for length in range(AHEAD + 1)
            for more in product(self.letters, repeat=length)
        )

    def cuts(self, text: bytes) -> Iterator[list[list[str]]]:
        """Of each cut the terminals that its lexemes may be, without ignored ones."""
        if not text:
            yield []
        for end in range(1, len(text) + 1):
            names, after = self.matching(text[:end]), text[end : end + 1]
            if not names or (after and not self.may_end(text[:end], after)):
                continue
            read = sorted(names - self.lexicon.ignored)
            for rest in self.cuts(text[end:]):
                if names & self.lexicon.ignored:
                    yield rest
                if read:
                    yield [read, *rest]

    def may_end(self, lexeme: bytes, after: bytes) -> bool:
        if not self.lexicon.longest or (lexeme, after) in self.lexicon.split:
            return True
        return not self.goes_on(lexeme + after)


def fillings(
    grammar: Lexed,
    tokens: list[bytes | None],
    stops: frozenset[int],
    canvas: list[int],
    must_stop: bool = False,
) -> list[tuple[int, ...]]:
    """Every valid filling of a canvas (-1: a hole), as `tests.reference.grammar.fillings`."""
    alphabet = b"".join(filter(None, tokens))
    inside = partial(belongs, grammar, alphabet=alphabet)
    return fillings_of(inside, tokens, stops, canvas, must_stop)
