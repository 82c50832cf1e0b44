"""A network as a pushdown automaton over classes of bytes, without silent moves.

Every move reads one byte. It may pop one return point before and push several after. A call is
made at once, with the byte that leads to it (at the start and behind a return with its own first
byte), a return together with the byte that follows it. Early calls are few: there is one push for
all that the called rule may begin with, and a loop of calls pops and pushes the same, a mere look.
Only a rule that one byte may be all of, a character say, is called by its own first byte, and such
a byte needs no call. A call that a rule ends with is a jump, so a stack never holds a return point
from which nothing more can be read, and a byte never needs more than one pop.
"""

from typing import NamedTuple

from grammar.errors import LimitError
from grammar.network import Network

MOVES = 2_000_000
"""The most moves that a machine may have."""


class Move(NamedTuple):
    """What reading one byte does to the state and to the top of the stack."""

    pop: int | None
    """The return point that has to be on top, and is taken off; None: the stack is left alone."""
    push: tuple[int, ...]
    """The return points put on top, the last one uppermost."""
    target: int
    """The next state."""


_Entry = tuple[tuple[int, ...], int]
"""What is pushed on the way to a state, and the state."""


class Machine(NamedTuple):
    """States 0, 1, ...; a return point is named by the state that it returns to."""

    moves: tuple[dict[int, tuple[Move, ...]], ...]
    """Of each state: the moves on each class of bytes."""
    finals: frozenset[int]
    """Where a text may end, if the stack is empty."""
    start: int
    class_of_byte: tuple[int, ...]


class _Compiler:
    """States of all rules in one numbering, and their moves."""

    def __init__(self, network: Network, limit: int):
        self.rules, self.limit, self.count = network.rules, limit, 0
        self.offset, total = {}, 0
        for name, rule in network.rules.items():
            self.offset[name] = total
            total += len(rule.edges)
        self.light = {name for name in network.rules if self.is_light(name)}
        self.entered: list[set[_Entry] | None] = [None] * total
        self.own: list[dict[int, set[Move]] | None] = [None] * total
        self.rule_of = [name for name, rule in network.rules.items() for _ in rule.edges]
        self.finals = frozenset(
            self.offset[name] + state
            for name, rule in network.rules.items()
            for state in rule.finals
        )
        self.returns: dict[str, set[int]] = {name: set() for name in network.rules}

    def row(self, state: int) -> dict[int | str, int]:
        """The edges of a state of the network, in the common numbering."""
        name = self.rule_of[state]
        offset = self.offset[name]
        row = self.rules[name].edges[state - offset]
        return {label: offset + target for label, target in row.items()}

    def count_moves(self, number: int) -> None:
        self.count += number
        if self.count > self.limit:
            raise LimitError(f"a grammar must need at most {self.limit} moves, got more")

    def is_light(self, name: str) -> bool:
        """Whether a rule calls none, and a single byte may be all of its text."""
        rule = self.rules[name]
        over = {state for state in rule.finals if not rule.edges[state]}
        calls = any(isinstance(label, str) for row in rule.edges for label in row)
        return not calls and not over.isdisjoint(rule.edges[0].values())

    def waits(self, state: int) -> bool:
        """Whether a state is one to be in: a text may end there, or a byte be read."""
        row = self.row(state)
        own = state in self.finals or any(isinstance(label, int) for label in row)
        return own or any(label in self.light for label in row)

    def entries(self, state: int) -> set[_Entry]:
        """What a byte that leads to a state leads to: the state, and the calls made there.

        A call at the end of a rule is a jump. Ends, as no rule calls itself first.
        """
        known = self.entered[state]
        if known is None:
            known = self.entered[state] = {((), state)} if self.waits(state) else set()
            for name, target in self.row(state).items():
                if isinstance(name, str) and name not in self.light:
                    called = self.entries(self.offset[name])
                    for bottom in self.bottoms(target):
                        known |= {(bottom + push, inner) for push, inner in called}
            self.count_moves(len(known))
        return known

    def bottoms(self, target: int) -> list[tuple[int, ...]]:
        """What a call pushes that returns to `target`."""
        pushed: list[tuple[int, ...]] = [(target,)] if self.row(target) else []
        return pushed + [()] * (target in self.finals)

    def own_moves(self, state: int) -> dict[int, set[Move]]:
        """The moves along a state's own edges, and along those of the light rules it calls."""
        known = self.own[state]
        if known is None:
            known = self.own[state] = {}
            for label, target in self.row(state).items():
                if isinstance(label, int):
                    into = known.setdefault(label, set())
                    into |= {Move(None, *entry) for entry in self.entries(target)}
                elif label in self.light:
                    for byte, row in self.light_moves(label, target).items():
                        known.setdefault(byte, set()).update(row)
            self.count_moves(sum(map(len, known.values())))
        return known

    def light_moves(self, name: str, target: int) -> dict[int, set[Move]]:
        """The moves of a call that returns to `target`: at once, where a byte is all of it."""
        moves: dict[int, set[Move]] = {}
        begin = self.offset[name]
        for label, inner in self.row(begin).items():
            assert isinstance(label, int)
            into = moves.setdefault(label, set())
            if inner in self.finals:
                into |= {Move(None, *entry) for entry in self.entries(target)}
            if self.row(inner):
                into |= {Move(None, bottom, inner) for bottom in self.bottoms(target)}
        return moves

    def first_moves(self, state: int) -> dict[int, set[Move]]:
        """The moves along a state's own edges and along those of what it calls."""
        moves: dict[int, set[Move]] = {}
        for push, inner in self.entries(state):
            for label, row in self.own_moves(inner).items():
                into = moves.setdefault(label, set())
                into |= {Move(None, push + move.push, move.target) for move in row}
        return moves

    def find_returns(self) -> None:
        """Which return points may be on top while a rule is read, to a fixpoint over jumps."""
        jumps = set()
        for state, caller in enumerate(self.rule_of):
            for label, target in self.row(state).items():
                if isinstance(label, str):
                    self.returns[label] |= {target} if self.row(target) else set()
                    jumps |= {(caller, label)} if target in self.finals else set()
        changed = True
        while changed:
            changed = False
            for caller, name in jumps:
                missing = self.returns[caller] - self.returns[name]
                self.returns[name] |= missing
                changed |= bool(missing)

    def all_moves(self, state: int, start: int) -> dict[int, tuple[Move, ...]]:
        """The moves of a state, returning ones among them where its rule may end here."""
        own = self.first_moves(state) if state == start else self.own_moves(state)
        moves = {label: set(row) for label, row in own.items()}
        if state in self.finals:
            for point in self.returns[self.rule_of[state]]:
                for label, row in self.first_moves(point).items():
                    moves.setdefault(label, set()).update(
                        Move(point, move.push, move.target) for move in row
                    )
        self.count_moves(sum(map(len, moves.values())))
        return {label: tuple(row) for label, row in moves.items()}


def build_machine(network: Network, limit: int = MOVES) -> Machine:
    """The pushdown automaton of a network; more than `limit` moves raise `LimitError`.

    States that no text leads to have no moves.
    """
    compiler = _Compiler(network, limit)
    compiler.find_returns()
    start = compiler.offset[network.start]
    moves: list[dict[int, tuple[Move, ...]]] = [{} for _ in compiler.rule_of]
    reached, waiting = {start}, [start]
    while waiting:
        state = waiting.pop()
        moves[state] = compiler.all_moves(state, start)
        fresh = {move.target for row in moves[state].values() for move in row} - reached
        reached |= fresh
        waiting += fresh
    return Machine(tuple(moves), compiler.finals, start, network.class_of_byte)
