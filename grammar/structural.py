"""Structural tags: any text, and between certain marks texts of a grammar."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from grammar.errors import GrammarError
from grammar.general.lexicon import Lexed
from grammar.nodes import (
    Alt,
    Automaton,
    Call,
    Chars,
    Grammar,
    Node,
    Repeat,
    Seq,
    complement,
    literal,
)

Tag = tuple[str, Grammar, str]
"""What opens a tag, what stands in it, what closes it."""


def structural_tags(tags: Sequence[Tag]) -> Grammar:
    """Text in which everything behind an opening mark is a text of the mark's grammar.

    Outside tags anything may stand but for an opening mark: the first one that is complete counts.

    Args:
        tags: Openings, grammars over characters and closings.

    Raises:
        GrammarError: no tag, an opening that is empty or there twice, or a grammar over lexemes.
    """
    if not tags:
        raise GrammarError("structural tags must have at least one tag, got none")
    rules: dict[str, Node] = {}
    inside: dict[str, Node] = {}
    for number, (opening, grammar, closing) in enumerate(tags):
        if not opening or opening in inside:
            raise GrammarError(f"tag {number}: must have an opening of its own, got {opening!r}")
        if isinstance(grammar, Lexed):
            raise GrammarError(f"tag {number}: must be of characters, got a grammar over lexemes")
        own = {name: f"tag {number} {name}" for name in grammar.rules}
        rules |= {own[name]: _renamed(node, own) for name, node in grammar.rules.items()}
        inside[opening] = Seq((Call(own[grammar.start]), literal(closing)))
    rules["text with tags"] = _outside(inside)
    return Grammar(rules, "text with tags")


def _renamed(node: Node, names: dict[str, str]) -> Node:
    match node:
        case Call():
            return Call(names.get(node.name, node.name))
        case Seq() | Alt():
            return replace(node, parts=tuple(_renamed(part, names) for part in node.parts))
        case Repeat():
            return replace(node, node=_renamed(node.node, names))
        case Automaton():
            edges = tuple(
                tuple((_renamed(part, names), target) for part, target in row) for row in node.edges
            )
            return replace(node, edges=edges)
        case _:
            return node


def _outside(inside: Mapping[str, Node]) -> Automaton:
    """Any text; where an opening has just been read, what belongs to it comes next.

    The automaton of Aho and Corasick (1975): a state is the longest end of what was read that an
    opening begins with.
    """
    states = sorted({word[:size] for word in inside for size in range(len(word))}, key=len)
    letters = sorted({letter for word in inside for letter in word})
    numbers = {state: number for number, state in enumerate(states)}
    others = Chars(complement([(ord(letter), ord(letter)) for letter in letters]))
    edges = []
    for state in states:
        row: list[tuple[Node, int]] = [(others, 0)]
        for letter in letters:
            text = state + letter
            opened = [node for word, node in inside.items() if text.endswith(word)]
            rest = next(text[cut:] for cut in range(len(text) + 1) if text[cut:] in numbers)
            row += [(Seq((literal(letter), node)), 0) for node in opened] or [
                (literal(letter), numbers[rest])
            ]
        edges.append(tuple(row))
    return Automaton(tuple(edges), frozenset(range(len(states))))
