"""Grammars over characters as grammars over lexemes: every character is a terminal of its own."""

from dataclasses import replace

from grammar.general.lexicon import Lexed, Lexicon, Terminal
from grammar.nodes import Alt, Automaton, Call, Chars, Grammar, Node, Repeat, Seq


def over_characters(grammar: Grammar) -> Lexed:
    """The same language for the general engine, which then cuts text at every character."""
    names: dict[Chars, str] = {}

    def again(node: Node) -> Node:
        match node:
            case Chars():
                return Call(names.setdefault(node, f"characters {len(names)}"))
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
                return node

    rules = {name: again(node) for name, node in grammar.rules.items()}
    terminals = {name: Terminal(node) for node, name in names.items()}
    return Lexed(rules, grammar.start, grammar.dropped, Lexicon(terminals, longest=False))
