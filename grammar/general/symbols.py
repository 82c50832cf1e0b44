"""Rules above lexemes: what reads their kinds, and the lexer cut down to what counts."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from grammar.general.lexer import Kinds, Lexer, build_lexer, merged
from grammar.general.lexicon import Lexed, Lexicon
from grammar.network import Network, build_network
from grammar.nodes import Alt, Automaton, Call, Chars, Grammar, Node, Repeat, Seq


class Parts(NamedTuple):
    """A grammar over lexemes, ready to be put together.

    What the lexer says are classes of kinds: kinds that the rules cannot tell apart are one. Behind
    them come the lines, one number for each level of indentation.
    """

    lexer: Lexer
    network: Network
    lines: tuple[int, ...]
    """What the lexer says for a new line at each level; empty without indentation."""
    newline: int
    indent: int
    dedent: int
    """The classes that these stand for, -1 where no rule reads them."""

    @property
    def classes(self) -> int:
        """Classes of kinds, without the lines."""
        return max(self.network.class_of_byte) + 1

    def line(self, depth: int, level: int) -> tuple[int, ...] | None:
        """What a line at a level says to the rules behind a line at `depth`; None: it may not."""
        if level > depth + 1:
            return None
        steps = (self.indent,) if level > depth else (self.dedent,) * (depth - level)
        said = (self.newline, *steps)
        return None if min(said) < 0 else said


def build_parts(grammar: Lexed) -> Parts:
    """The lexer and the network of a grammar.

    Raises:
        GrammarError: a call of neither a rule nor a terminal, or a terminal that matches nothing.
        EmptyLanguageError: the rules derive no text.
        LimitError: too many states.
    """
    lexicon = grammar.lexicon
    lexer, kinds = build_lexer(lexicon)
    of_terminal = _kinds_of_terminals(lexicon, kinds)
    rules = {name: _spelled(node, grammar, of_terminal) for name, node in grammar.rules.items()}
    network = build_network(Grammar(rules, grammar.start), symbols=max(len(kinds.names), 1))
    classes = network.class_of_byte
    own = max(classes) + 1
    number = dict(enumerate(classes)) | {kind: own + n for n, kind in enumerate(kinds.lines)}
    says = [
        tuple(
            dict.fromkeys(
                tuple(number[kind] for kind in said)
                for said in row
                if all(number[kind] >= 0 for kind in said)
            )
        )
        for row in lexer.says
    ]
    lines = tuple(number[kind] for kind in kinds.lines)
    read = [_class_of(name, kinds, classes) for name in _indentation(lexicon)]
    return Parts(merged(lexer, says), network, lines, *read)


def _indentation(lexicon: Lexicon) -> tuple[str, str, str]:
    own = lexicon.indent
    return (own.newline, own.indent, own.dedent) if own else ("", "", "")


def _class_of(name: str, kinds: Kinds, classes: Sequence[int]) -> int:
    kind = frozenset([name])
    return classes[kinds.names.index(kind)] if kind in kinds.names else -1


def _kinds_of_terminals(lexicon: Lexicon, kinds: Kinds) -> dict[str, Node]:
    """What a lexeme of each terminal may be, as a node of kinds."""
    names = {*lexicon.terminals, *(_indentation(lexicon) if lexicon.indent else ())}
    return {
        name: Chars(tuple((n, n) for n, kind in enumerate(kinds.names) if name in kind))
        for name in names
    }


def _spelled(node: Node, grammar: Grammar, terminals: Mapping[str, Node]) -> Node:
    """A right-hand side with kinds in the place of terminals."""

    def again(part: Node) -> Node:
        return _spelled(part, grammar, terminals)

    match node:
        case Call():
            own = terminals.get(node.name)
            return node if own is None or node.name in grammar.rules else own
        case Seq() | Alt():
            return replace(node, parts=tuple(map(again, node.parts)))
        case Repeat():
            return replace(node, node=again(node.node))
        case Automaton():
            edges = tuple(
                tuple((again(part), target) for part, target in row) for row in node.edges
            )
            return replace(node, edges=edges)
        case _:
            raise AssertionError("a rule over lexemes has terminals in the place of characters")
