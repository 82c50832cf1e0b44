"""Whether a language meets a finite graph of bytes: fragments of text with holes of any length.

This is the question of additive infilling, where a hole stands for any text. Facts "the rule that
began at node i is in state q at node j" are closed under reading, calling and returning, which is
Earley's algorithm on the product of a network and a graph (Bar-Hillel's construction, on the fly).
"""

from collections.abc import Sequence
from importlib import import_module
from typing import NamedTuple

from grammar.general.lexicon import Lexed
from grammar.network import Network, build_network
from grammar.nodes import Grammar


class Graph(NamedTuple):
    """Nodes 0 (the start), 1, ... and edges that read bytes."""

    edges: list[dict[int, set[int]]]
    """Of each node, the nodes that each byte leads to."""
    ends: set[int]


def fragments_graph(fragments: Sequence[bytes | None]) -> Graph:
    """Fragments one after the other; None is a hole: any bytes, none among them."""
    edges: list[dict[int, set[int]]] = [{}]
    for fragment in fragments:
        if fragment is None:
            for byte in range(256):
                edges[-1].setdefault(byte, set()).add(len(edges) - 1)
        for byte in fragment or b"":
            edges[-1].setdefault(byte, set()).add(len(edges))
            edges.append({})
    return Graph(edges, {len(edges) - 1})


def regular_graph(network: Network) -> Graph:
    """The graph of a language of one rule without calls, a regular expression's."""
    (rule,) = network.rules.values()
    bytes_of: dict[int, list[int]] = {}
    for byte, number in enumerate(network.class_of_byte):
        bytes_of.setdefault(number, []).append(byte)
    edges = [
        {byte: {target} for label, target in row.items() for byte in bytes_of[label]}
        for row in rule.edges
    ]
    return Graph(edges, set(rule.finals))


class _Chart:
    """The closure of facts: (rule, state, node where the rule began, node)."""

    def __init__(self, network: Network, graph: Graph):
        self.rules = network.rules
        self.steps: list[dict[int, set[int]]] = [{} for _ in graph.edges]
        for step, row in zip(self.steps, graph.edges, strict=True):
            for byte, nodes in row.items():
                step.setdefault(network.class_of_byte[byte], set()).update(nodes)
        self.facts: set[tuple[str, int, int, int]] = set()
        self.waiting: list[tuple[str, int, int, int]] = []
        self.callers: dict[tuple[str, int], set[tuple[str, int, int]]] = {}
        self.ends: dict[tuple[str, int], set[int]] = {}

    def add(self, name: str, state: int, begin: int, node: int) -> None:
        fact = (name, state, begin, node)
        if fact not in self.facts:
            self.facts.add(fact)
            self.waiting.append(fact)

    def close(self, start: str) -> None:
        self.add(start, 0, 0, 0)
        while self.waiting:
            name, state, begin, node = self.waiting.pop()
            for label, target in self.rules[name].edges[state].items():
                if isinstance(label, int):
                    for after in self.steps[node].get(label, ()):
                        self.add(name, target, begin, after)
                else:
                    self.call(label, node, (name, target, begin))
            if state in self.rules[name].finals:
                self.end(name, begin, node)

    def call(self, name: str, node: int, caller: tuple[str, int, int]) -> None:
        self.callers.setdefault((name, node), set()).add(caller)
        self.add(name, 0, node, node)
        for end in self.ends.get((name, node), ()):
            self.add(*caller, end)

    def end(self, name: str, begin: int, node: int) -> None:
        self.ends.setdefault((name, begin), set()).add(node)
        for caller in self.callers.get((name, begin), ()):
            self.add(*caller, node)


def intersects(network: Network, graph: Graph) -> bool:
    """Whether some path from node 0 to an end spells a text of the language."""
    chart = _Chart(network, graph)
    chart.close(network.start)
    return not graph.ends.isdisjoint(chart.ends.get((network.start, 0), ()))


def completable(grammar: Grammar, fragments: Sequence[str | None]) -> bool:
    """Whether the holes (None) between fragments can be filled with text of any length.

    Args:
        grammar: The language.
        fragments: The text known so far, in order. Without holes: whether it is in the language.

    Raises:
        GrammarError: as `compile_grammar`.
    """
    if isinstance(grammar, Lexed):
        return import_module("grammar.general.fragments").completable_lexed(grammar, fragments)
    network = build_network(grammar)
    encoded = [None if fragment is None else fragment.encode() for fragment in fragments]
    return intersects(network, fragments_graph(encoded))
