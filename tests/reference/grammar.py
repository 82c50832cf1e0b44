"""Languages by definition: every filling of a canvas is spelled out and read with the grammar.

Reading is naive: the spans that each rule derives, grown until nothing is new. Bytes are read, so
that a text cut inside a character is seen as such. It shares the nodes with the product and nothing
else.
"""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import product

from grammar.nodes import Alt, Automaton, Call, Chars, Grammar, Node, Repeat, Seq

Spans = dict[tuple[str, int], set[int]]


def derives(grammar: Grammar, text: bytes) -> bool:
    """Whether the whole text belongs to the language."""
    known: Spans = {(name, i): set() for name in grammar.rules for i in range(len(text) + 1)}
    while True:
        grown = {
            (name, i): set(_ends(node, text, i, known))
            for name, node in grammar.rules.items()
            for i in range(len(text) + 1)
        }
        if grown == known:
            return len(text) in known[grammar.start, 0]
        known = grown


def _ends(node: Node, text: bytes, begin: int, known: Spans) -> Iterator[int]:
    """Where a text of `node` that begins at `begin` may end."""
    match node:
        case Chars():
            yield from _char(node, text, begin)
        case Call():
            yield from known[node.name, begin]
        case Alt():
            for part in node.parts:
                yield from _ends(part, text, begin, known)
        case Seq():
            ends = {begin}
            for part in node.parts:
                ends = {end for middle in ends for end in _ends(part, text, middle, known)}
            yield from ends
        case Automaton():
            yield from _along(node, text, begin, known)
        case Repeat():
            yield from _repeated(node, text, begin, known)


def _along(node: Automaton, text: bytes, begin: int, known: Spans) -> set[int]:
    reached, waiting = {(0, begin)}, [(0, begin)]
    while waiting:
        state, place = waiting.pop()
        for part, target in node.edges[state]:
            fresh = {(target, end) for end in _ends(part, text, place, known)} - reached
            reached |= fresh
            waiting += fresh
    return {place for state, place in reached if state in node.finals}


def _char(node: Chars, text: bytes, begin: int) -> Iterator[int]:
    for size in range(1, 5):
        try:
            char = text[begin : begin + size].decode()
        except UnicodeDecodeError:
            continue
        if len(char) == 1 and any(low <= ord(char) <= high for low, high in node.ranges):
            yield begin + size
            return


def _repeated(node: Repeat, text: bytes, begin: int, known: Spans) -> set[int]:
    high = node.low + len(text) + 1 if node.high is None else node.high
    ends, found = {begin}, set()
    for count in range(high + 1):
        found |= ends if count >= node.low else set()
        ends = {end for middle in ends for end in _ends(node.node, text, middle, known)}
    return found


def fillings(
    grammar: Grammar,
    tokens: list[bytes | None],
    stops: frozenset[int],
    canvas: list[int],
    must_stop: bool = False,
) -> list[tuple[int, ...]]:
    """Every valid filling of a canvas (-1: a hole). A token of None is a stop or control token."""
    return fillings_of(partial(derives, grammar), tokens, stops, canvas, must_stop)


def fillings_of(
    belongs: Callable[[bytes], bool],
    tokens: list[bytes | None],
    stops: frozenset[int],
    canvas: list[int],
    must_stop: bool = False,
) -> list[tuple[int, ...]]:
    """As `fillings`, of a language that is told by its texts."""
    known: dict[bytes, bool] = {}
    usable = [token for token, text in enumerate(tokens) if text or token in stops]
    found = []
    for filled in product(*(usable if token < 0 else [token] for token in canvas)):
        length = next((i for i, token in enumerate(filled) if token in stops), len(filled))
        texts = [tokens[token] for token in filled[:length]]
        stopped = length < len(filled) or not must_stop
        if not stopped or None in texts or not stops.issuperset(filled[length:]):
            continue
        text = b"".join(filter(None, texts))
        if text not in known:
            known[text] = belongs(text)
        found += [filled] * known[text]
    return found
