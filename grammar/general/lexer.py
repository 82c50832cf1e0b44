"""A lexer as an automaton over bytes that may be asked for every state, not only for the first.

A state lies inside a lexeme. A byte goes on with the lexeme, or ends it and begins the next: one
byte of looking ahead. With `Lexicon.longest` a lexeme ends before a byte only if no terminal has a
text that goes on so; whatever is accepted is then cut as the longest match would cut it.
"""

from collections.abc import Hashable, Sequence
from typing import NamedTuple

from grammar.automaton import Nondeterministic, equivalent
from grammar.errors import GrammarError, LimitError
from grammar.general.lexicon import Lexicon
from grammar.network import ByteBuilder
from grammar.nodes import Node, Seq, literal

STATES = 4_000
"""The most states that a lexer may have."""

START = 0
"""The state before the first lexeme."""

Emitted = tuple[int, ...]
"""What a step of the lexer says: a kind of lexeme, or nothing."""


class Kinds(NamedTuple):
    """Kinds of lexemes by number: terminals that one lexeme may be, and those of indentation."""

    names: tuple[frozenset[str], ...]
    lines: tuple[int, ...]
    """The kind of a new line at each level of indentation."""


class Lexer(NamedTuple):
    """The automaton; `START` has no way in."""

    steps: tuple[tuple[int, ...], ...]
    """Of each state and class of bytes, the state inside the same lexeme; -1: no way on, -2: a dead
    end."""
    says: tuple[tuple[Emitted, ...], ...]
    """Of each state, what a lexeme that ends there may be; empty where none ends."""
    apart: frozenset[tuple[int, int]]
    """States and classes of bytes: the lexeme may end there although it could go on."""
    class_of_byte: tuple[int, ...]
    """Of each of the 256 bytes; -1 where no terminal reads it."""
    begin: int
    """Where a text begins."""
    longest: bool

    def ends_before(self, state: int, symbol: int) -> bool:
        """Whether a lexeme may end in `state` before a byte."""
        goes_on = self.steps[state][symbol] != -1 and self.longest
        return bool(self.says[state]) and (not goes_on or (state, symbol) in self.apart)


class _Union(ByteBuilder):
    """All terminals side by side."""

    def __init__(self, limit: int):
        super().__init__(limit)
        self.ends: dict[int, str] = {}

    def add_terminal(self, begin: int, name: str, node: Node) -> None:
        end = self.state()
        self.ends[end] = name
        self.add(node, begin, end)


def build_lexer(lexicon: Lexicon, limit: int = STATES) -> tuple[Lexer, Kinds]:
    """The automaton of a lexicon, and what its numbers of kinds stand for.

    Raises:
        GrammarError: a terminal that matches the empty text.
        LimitError: more than `limit` states.
    """
    union = _Union(16 * limit)
    root, begin = union.state(), union.state()
    union.silent[root].append(begin)
    for name, node in _patterns(lexicon):
        union.add_terminal(begin, name, node)
    class_of_byte = union.byte_classes(256)
    subsets, steps = _subsets(union, root, max(class_of_byte) + 1, limit)
    names = [frozenset(union.ends[part] for part in subset & set(union.ends)) for subset in subsets]
    if names[START]:
        raise GrammarError(f"a terminal must not match the empty text, got {min(names[START])!r}")
    kinds = _kinds([_chosen(lexicon, own) for own in names], lexicon)
    says = [_said(lexicon, kinds, _chosen(lexicon, own)) for own in names]
    apart = _apart(lexicon, steps, class_of_byte)
    return _trimmed(steps, says, apart, class_of_byte, lexicon), kinds


def _patterns(lexicon: Lexicon) -> list[tuple[str, Node]]:
    """Terminals by name, the newline once for every level."""
    found = []
    for name, terminal in lexicon.terminals.items():
        indent = lexicon.indent
        if indent is None or name != indent.newline:
            found.append((name, terminal.node))
            continue
        for level in range(indent.levels + 1):
            spaces = literal(" " * (indent.width * level))
            found.append((line_name(name, level), Seq((terminal.node, spaces))))
    return found


def line_name(newline: str, level: int) -> str:
    """The name of the kind of a new line at a level; no terminal is called so."""
    return f"{newline} {level}"


def _subsets(
    union: Nondeterministic, root: int, classes: int, limit: int
) -> tuple[list[frozenset[int]], list[list[int]]]:
    """The subset construction, with dead ends as -1."""
    first = union.closure([root])
    numbers, order, steps = {first: 0}, [first], []
    for subset in order:
        targets: list[set[int]] = [set() for _ in range(classes)]
        for state in subset:
            for label, target in union.edges[state]:
                targets[label].add(target)
        row = []
        for states in targets:
            closed = union.closure(states)
            if states and closed not in numbers:
                numbers[closed] = len(order)
                order.append(closed)
            row.append(numbers[closed] if states else -1)
        steps.append(row)
        if len(order) > limit:
            raise LimitError(f"a lexer must need at most {limit} states, got more")
    return order, steps


def _chosen(lexicon: Lexicon, names: frozenset[str]) -> frozenset[str]:
    """The terminals of the highest rank, of those that match a lexeme."""
    if not lexicon.longest or not names:
        return names

    def rank(name: str) -> tuple[int, ...]:
        known = lexicon.terminals.get(name)
        newline = lexicon.indent.newline if lexicon.indent else ""
        return (known or lexicon.terminals[newline]).rank

    best = max(map(rank, names))
    return frozenset(name for name in names if rank(name) == best)


def _kinds(chosen: Sequence[frozenset[str]], lexicon: Lexicon) -> Kinds:
    kinds = dict.fromkeys(own - lexicon.ignored for own in chosen)
    indent, lines = lexicon.indent, ()
    if indent:
        own = [frozenset([line_name(indent.newline, n)]) for n in range(indent.levels + 1)]
        kinds |= dict.fromkeys(own)
        # Rules name these three; the lexer says levels, and the machine what they stand for.
        kinds |= dict.fromkeys(
            frozenset([name]) for name in (indent.newline, indent.indent, indent.dedent)
        )
        order = [kind for kind in kinds if kind]
        lines = tuple(map(order.index, own))
    return Kinds(tuple(kind for kind in kinds if kind), lines)


def _said(lexicon: Lexicon, kinds: Kinds, chosen: frozenset[str]) -> tuple[Emitted, ...]:
    said: list[Emitted] = [()] if chosen & lexicon.ignored else []
    left = chosen - lexicon.ignored
    return (*said, *([(kinds.names.index(left),)] if left else []))


def _apart(
    lexicon: Lexicon, steps: Sequence[Sequence[int]], class_of_byte: Sequence[int]
) -> set[tuple[int, int]]:
    """The state behind each lexeme of `split`, with the class of the byte."""
    found = set()
    for lexeme, byte in lexicon.split:
        state = START
        for own in lexeme:
            state = steps[state][class_of_byte[own]] if state >= 0 else -1
        if state < 0 or len(byte) != 1:
            raise GrammarError(f"split: must be a lexeme and one byte, got {lexeme!r} {byte!r}")
        found.add((state, class_of_byte[byte[0]]))
    return found


def _trimmed(
    steps: list[list[int]],
    says: Sequence[tuple[Emitted, ...]],
    apart: set[tuple[int, int]],
    class_of_byte: tuple[int, ...],
    lexicon: Lexicon,
) -> Lexer:
    lexer = Lexer(
        tuple(map(tuple, steps)),
        tuple(says),
        frozenset(apart),
        class_of_byte,
        START,
        lexicon.longest,
    )
    if lexicon.indent:  # a text begins as if behind a line feed
        line = lexer.steps[START][class_of_byte[10]]
        if line < 0:
            raise GrammarError("indent: the newline terminal must match a line feed, got another")
        lexer = lexer._replace(begin=line)
    return lexer


def merged(lexer: Lexer, says: Sequence[tuple[Emitted, ...]]) -> Lexer:
    """The lexer with other things said, and with the states merged that are then the same.

    A way on to states that can never say anything is marked -2: it is dead, but a longest match has
    to take it.
    """
    alive = _alive(lexer.steps, says)
    steps = [
        [target if target < 0 or alive[target] else -2 for target in row] for row in lexer.steps
    ]
    apart = [{symbol for at, symbol in lexer.apart if at == state} for state in range(len(steps))]

    def key(state: int, block: Sequence[int]) -> Hashable:
        # A state that leads to itself has no number yet: 1, apart from the dead ends.
        reads = tuple(block[target] + 2 if target >= 0 else target for target in steps[state])
        return state == START, tuple(says[state]), frozenset(apart[state]), reads

    block = equivalent([[target for target in row if target >= 0] for row in steps], key)
    first: dict[int, int] = {}
    for state, number in enumerate(block):
        if alive[state] or state == START:
            first.setdefault(number, state)
    numbers = {number: position for position, number in enumerate(first)}
    return lexer._replace(
        steps=tuple(
            tuple(numbers[block[t]] if t >= 0 else t for t in steps[state])
            for state in first.values()
        ),
        says=tuple(tuple(says[state]) for state in first.values()),
        apart=frozenset(
            (numbers[block[state]], symbol)
            for state, symbol in lexer.apart
            if block[state] in numbers
        ),
        begin=numbers.get(block[lexer.begin], START),
    )


def _alive(steps: Sequence[Sequence[int]], says: Sequence[tuple[Emitted, ...]]) -> list[bool]:
    """Which states can still end a lexeme."""
    before: list[list[int]] = [[] for _ in steps]
    for state, row in enumerate(steps):
        for target in row:
            if target >= 0:
                before[target].append(state)
    waiting = [state for state, said in enumerate(says) if said]
    alive = [bool(said) for said in says]
    while waiting:
        for state in before[waiting.pop()]:
            if not alive[state]:
                alive[state] = True
                waiting.append(state)
    return alive
