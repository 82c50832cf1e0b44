"""Finite automata over labels: bytes and calls of rules alike."""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from grammar.errors import LimitError

Label = Hashable
"""What an edge reads: a class of bytes (an int) or a rule to call (a str)."""


WORK = 2_000_000
"""The most states that are looked at to make one automaton deterministic."""

REFINED = 300_000
"""The most looks at the states of one cycle to find equivalent ones; beyond, none are merged."""


@dataclass
class Nondeterministic:
    """States with labelled edges and with silent ones, in the making.

    `limit` bounds the states: one more raises `LimitError`, and so do more than `WORK` steps.
    """

    limit: int
    work: int = 0
    edges: list[list[tuple[Any, int]]] = field(default_factory=list)
    silent: list[list[int]] = field(default_factory=list)

    def state(self) -> int:
        """A new state."""
        if len(self.edges) >= self.limit:
            raise LimitError(f"a grammar must need at most {self.limit} states, got more")
        self.edges.append([])
        self.silent.append([])
        return len(self.edges) - 1

    def closure(self, states: Iterable[int]) -> frozenset[int]:
        """All that silent edges reach from `states`, these included."""
        reached, waiting = set(states), list(states)
        while waiting:
            fresh = set(self.silent[waiting.pop()]) - reached
            reached |= fresh
            waiting += fresh
        self.work += len(reached)
        if self.work > WORK:
            raise LimitError(f"a grammar must need at most {WORK} steps to compile, got more")
        return frozenset(reached)


@dataclass(frozen=True)
class Deterministic:
    """A trimmed automaton: state 0 is the start and every state can reach a final one."""

    edges: tuple[Mapping[Any, int], ...]
    finals: frozenset[int]


Key = Callable[[int, Sequence[int]], Hashable]
"""What tells a state apart, given the numbers of the blocks of all states."""

NOTHING = Deterministic(({},), frozenset())
"""The empty language."""


def determinise(
    source: Nondeterministic, start: int, finals: Iterable[int], limit: int
) -> Deterministic:
    """Subset construction, trimmed and merged. More than `limit` subsets raise `LimitError`."""
    ends = set(finals)
    source.work = 0
    subsets = {source.closure([start]): 0}
    waiting, edges = list(subsets), []
    for subset in waiting:
        targets: dict[Label, set[int]] = {}
        for label, target in (edge for state in subset for edge in source.edges[state]):
            targets.setdefault(label, set()).add(target)
        row = {}
        for label, states in targets.items():
            closed = source.closure(states)
            if closed not in subsets:
                subsets[closed] = len(subsets)
                waiting.append(closed)
            row[label] = subsets[closed]
        edges.append(row)
        if len(subsets) > limit:
            raise LimitError(f"a grammar must need at most {limit} states, got more")
    return merge(trim(edges, {number for subset, number in subsets.items() if subset & ends}))


def trim(edges: list[dict[Any, int]], finals: set[int]) -> Deterministic:
    """Without the states that reach no final state."""
    before: list[set[int]] = [set() for _ in edges]
    for state, row in enumerate(edges):
        for target in row.values():
            before[target].add(state)
    alive, waiting = set(finals), list(finals)
    while waiting:
        fresh = before[waiting.pop()] - alive
        alive |= fresh
        waiting += fresh
    if 0 not in alive:
        return NOTHING
    number = {state: position for position, state in enumerate(sorted(alive))}
    rows = tuple(
        {label: number[target] for label, target in edges[state].items() if target in alive}
        for state in sorted(alive)
    )
    return Deterministic(rows, frozenset(number[state] for state in finals))


def merge(automaton: Deterministic) -> Deterministic:
    """With equivalent states merged, by what a state reads and where to."""
    rows = automaton.edges

    def key(state: int, block: Sequence[int]) -> Hashable:
        reads = frozenset((label, block[target]) for label, target in rows[state].items())
        return state in automaton.finals, reads

    block = equivalent([list(row.values()) for row in rows], key)
    return _quotient(automaton, block)


def coarsest(automaton: Deterministic) -> Deterministic:
    """With all equivalent states merged, those of different cycles too."""
    rows = automaton.edges

    def key(state: int, block: Sequence[int]) -> Hashable:
        reads = frozenset((label, block[target]) for label, target in rows[state].items())
        return state in automaton.finals, reads

    block = [-1] * len(rows)
    _refine(range(len(rows)), [list(row.values()) for row in rows], key, block, 0)
    return _quotient(automaton, _in_order(block))


def equivalent(targets: Sequence[Sequence[int]], key: Key) -> list[int]:
    """Numbers of states, equal only for states that are equivalent; the start's is 0.

    Cycles are taken in an order in which whatever lies behind one is done before it. States outside
    cycles then need one look (as in minimising acyclic automata), those of a cycle a refinement
    among themselves. Equivalent states of different cycles may stay apart.

    Args:
        targets: Where the edges of each state lead.
        key: What tells a state apart, given the numbers of the states that it leads to.
    """
    block = [-1] * len(targets)
    known: dict[Hashable, int] = {}
    fresh = 0
    for cycle in _components(targets):
        if len(cycle) == 1:
            number = known.setdefault(key(cycle[0], block), fresh)
            block[cycle[0]] = number
            fresh += number == fresh
            continue
        fresh += _refine(cycle, targets, key, block, fresh)
    return _in_order(block)


def _in_order(block: list[int]) -> list[int]:
    """The same blocks, numbered as they are met."""
    order = {number: position for position, number in enumerate(dict.fromkeys(block))}
    return [order[number] for number in block]


def _refine(
    states: Sequence[int],
    targets: Sequence[Sequence[int]],
    key: Key,
    block: list[int],
    fresh: int,
) -> int:
    """Numbers `states` from `fresh` on, by what tells them apart; how many numbers that takes.

    Blocks are split until none has two keys (Moore, 1956). The largest part keeps the number, so
    only states that lead to one of another part are looked at again (Hopcroft, 1971).
    """
    own = set(states)
    before: dict[int, list[int]] = {state: [] for state in states}
    for state in states:
        block[state] = fresh
        for target in own.intersection(targets[state]):
            before[target].append(state)
    keys = {state: key(state, block) for state in states}
    members, asked, work = {fresh: list(states)}, {fresh}, len(states)
    while asked:
        moved = [state for number in asked for state in _split(number, fresh, members, keys, block)]
        touched = {source for state in moved for source in before[state]}
        work += len(touched)
        if work > REFINED:
            for position, state in enumerate(states):
                block[state] = fresh + position
            return len(states)
        for state in touched:
            keys[state] = key(state, block)
        asked = {block[state] for state in touched}
    return len(members)


def _split(
    number: int,
    first: int,
    members: dict[int, list[int]],
    keys: dict[int, Hashable],
    block: list[int],
) -> list[int]:
    """Gives the states of a block with different keys different numbers; those with a new one."""
    parts: dict[Hashable, list[int]] = {}
    for state in members[number]:
        parts.setdefault(keys[state], []).append(state)
    members[number] = largest = max(parts.values(), key=len)
    moved = []
    for part in parts.values():
        if part is not largest:
            after = first + len(members)
            members[after] = part
            for state in part:
                block[state] = after
            moved += part
    return moved


def _components(targets: Sequence[Sequence[int]]) -> list[list[int]]:
    """Strongly connected components, each behind those that it leads to (Tarjan, 1972)."""
    index, low = [-1] * len(targets), [0] * len(targets)
    waiting: list[int] = []
    on_stack = [False] * len(targets)
    found: list[list[int]] = []
    count = 0
    for root in range(len(targets)):
        if index[root] >= 0:
            continue
        work = [(root, iter(targets[root]))]
        index[root] = low[root] = count
        count += 1
        waiting.append(root)
        on_stack[root] = True
        while work:
            state, rest = work[-1]
            for target in rest:
                if index[target] < 0:
                    index[target] = low[target] = count
                    count += 1
                    waiting.append(target)
                    on_stack[target] = True
                    work.append((target, iter(targets[target])))
                    break
                if on_stack[target]:
                    low[state] = min(low[state], index[target])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[state])
                if low[state] == index[state]:
                    component = []
                    while not component or component[-1] != state:
                        component.append(waiting.pop())
                        on_stack[component[-1]] = False
                    found.append(component)
    return found


def _quotient(automaton: Deterministic, refined: list[int]) -> Deterministic:
    """One state a block."""
    first = {number: state for state, number in reversed(list(enumerate(refined)))}
    rows = tuple(
        {label: refined[target] for label, target in automaton.edges[first[number]].items()}
        for number in range(len(first))
    )
    return Deterministic(rows, frozenset(refined[state] for state in automaton.finals))


def relabel(automaton: Deterministic, keep: Callable[[Any], bool]) -> Deterministic:
    """Without the edges whose label `keep` refuses, trimmed again."""
    rows = [
        {label: target for label, target in row.items() if keep(label)} for row in automaton.edges
    ]
    return trim(rows, set(automaton.finals))
