"""Thompson's construction: a node becomes edges between two states."""

from abc import ABC, abstractmethod

from grammar.nodes import Alt, Node, Repeat, Seq


class Thompson(ABC):
    """Sequences, alternatives and repeats; what a leaf becomes is up to the heir."""

    silent: list[list[int]]
    """Of each state, those that are reached without reading anything."""

    @abstractmethod
    def state(self) -> int:
        """A new state."""

    @abstractmethod
    def add_leaf(self, node: Node, begin: int, end: int) -> None:
        """Any other node."""

    def add(self, node: Node, begin: int, end: int) -> None:
        """What leads from one state to the other."""
        match node:
            case Seq():
                for part in node.parts:
                    target = self.state()
                    self.add(part, begin, target)
                    begin = target
                self.silent[begin].append(end)
            case Alt():
                for part in node.parts:
                    self.add(part, begin, end)
            case Repeat():
                self._add_repeat(node, begin, end)
            case _:
                self.add_leaf(node, begin, end)

    def _add_repeat(self, node: Repeat, begin: int, end: int) -> None:
        for _ in range(node.low):
            target = self.state()
            self.add(node.node, begin, target)
            begin = target
        if node.high is None:
            loop = self.state()
            self.silent[begin].append(loop)
            self.add(node.node, loop, loop)
            begin = loop
        self.silent[begin].append(end)
        for _ in range(node.low, node.low if node.high is None else node.high):
            target = self.state()
            self.add(node.node, begin, target)
            begin = target
            self.silent[begin].append(end)
