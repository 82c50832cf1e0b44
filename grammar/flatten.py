"""Machines that need no stack: a regular language as a deterministic automaton of its own.

Where no rule calls itself but at its end, only finitely many stacks occur. A state and the stack
above which it is met are then one state of an automaton (the configurations of the machine), and
the subset construction makes it deterministic.
"""

from collections.abc import Mapping, Sequence

from grammar.automaton import merge, trim
from grammar.machine import Machine, Move

STATES = 50_000
"""The most states of an automaton that stands for a machine with a stack."""

WORK = 1_000_000
"""The most moves that are looked at on the way."""

_Configuration = tuple[int, tuple[int, ...]]
"""A state and the return points, the last one uppermost."""


def stackless(machine: Machine) -> bool:
    """Whether a machine is a deterministic automaton: one move a byte, none pops or pushes."""
    return all(
        len(moves) == 1 and moves[0].pop is None and not moves[0].push
        for row in machine.moves
        for moves in row.values()
    )


def flatten(machine: Machine, states: int = STATES, work: int = WORK) -> Machine | None:
    """The same language without a stack.

    None where a return point would stand on a stack twice, so that stacks have no bound, or where
    the automaton needs more than `states` states or `work` looks at moves.
    """
    numbers: dict[frozenset[_Configuration], int] = {frozenset({(machine.start, ())}): 0}
    waiting, edges = list(numbers), []
    by_pop = [_by_pop(row) for row in machine.moves]
    for subset in waiting:
        targets: dict[int, set[_Configuration]] = {}
        for state, stack in subset:
            for point in (None, *stack[-1:]):
                below = stack if point is None else stack[:-1]
                moves = by_pop[state].get(point, ())
                work -= len(moves)
                for label, move in moves:
                    if not set(move.push).isdisjoint(below):
                        return None
                    targets.setdefault(label, set()).add((move.target, below + move.push))
        if len(numbers) > states or work < 0:
            return None
        row = {}
        for label, configurations in targets.items():
            closed = frozenset(configurations)
            if closed not in numbers:
                numbers[closed] = len(numbers)
                waiting.append(closed)
            row[label] = numbers[closed]
        edges.append(row)
    ends = {(state, ()) for state in machine.finals}
    flat = merge(trim(edges, {number for subset, number in numbers.items() if subset & ends}))
    moves = tuple(
        {label: (Move(None, (), target),) for label, target in row.items()} for row in flat.edges
    )
    return Machine(moves, flat.finals, 0, machine.class_of_byte)


def _by_pop(row: Mapping[int, Sequence[Move]]) -> dict[int | None, list[tuple[int, Move]]]:
    """The moves of a state by the return point that they need on top: a state may have many."""
    sorted_out: dict[int | None, list[tuple[int, Move]]] = {}
    for label, moves in row.items():
        for move in moves:
            sorted_out.setdefault(move.pop, []).append((label, move))
    return sorted_out
