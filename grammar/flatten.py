"""Machines that need no stack: a regular language as a deterministic automaton of its own.

Where no rule calls itself but at its end, only finitely many stacks occur. A state and the stack
above which it is met are then one state of an automaton (the configurations of the machine), and
the subset construction makes it deterministic.
"""

from grammar.automaton import merge, trim
from grammar.machine import Machine, Move

STATES = 5_000
"""The most states of an automaton that stands for a machine with a stack."""

WORK = 400_000
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
    for subset in waiting:
        work -= sum(len(row) for state, _ in subset for row in machine.moves[state].values())
        if len(numbers) > states or work < 0:
            return None
        targets = _after(machine, subset)
        if targets is None:
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


def _after(
    machine: Machine, subset: frozenset[_Configuration]
) -> dict[int, set[_Configuration]] | None:
    """What each class of bytes leads to; None where a return point is pushed above itself."""
    targets: dict[int, set[_Configuration]] = {}
    for state, stack in subset:
        for label, moves in machine.moves[state].items():
            for move in moves:
                if move.pop is not None and stack[-1:] != (move.pop,):
                    continue
                below = stack if move.pop is None else stack[:-1]
                if not set(move.push).isdisjoint(below):
                    return None
                targets.setdefault(label, set()).add((move.target, below + move.push))
    return targets
