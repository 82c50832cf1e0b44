"""Plans: what a set of classes may do at one position, outcomes that agree taken together."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Int

from grammar.general.tables import Content

Ints = Int[np.ndarray, " _"]


class Plan(NamedTuple):
    """What a set of classes may do at one position.

    A group is an operation and a crowd: the states of the reader that say it first in the same
    classes with the same remainder. Arcs lead from a group to nodes. Silent arcs say nothing.
    """

    crowd_sources: Ints
    """Where the states of each crowd begin, one more than crowds."""
    crowd_groups: Ints
    """Where the groups of each crowd begin, one more than crowds."""
    source: Ints
    group_operation: Ints
    group_arcs: Ints
    arc_node: Ints
    arc_classes: Ints
    arc_class: Ints
    silent_from: Ints
    silent_to: Ints
    silent_classes: Ints
    silent_class: Ints
    nodes: Ints
    """Inner nodes that are reached, those of the largest numbers first."""
    ends: Ints
    """States of the lexer that are reached."""


BEGINS = {
    "crowd_sources": "source",
    "crowd_groups": "group_operation",
    "group_arcs": "arc_node",
    "arc_classes": "arc_class",
    "silent_classes": "silent_class",
}
"""Parts of a plan that say where others begin."""


def make_plan(content: Content, classes: Iterable[int]) -> Plan:
    """The plan of a set of classes."""
    begins = content.first_outcomes
    silent: dict[tuple[int, int], list[int]] = {}
    emitted: dict[tuple[int, int], dict[int, list[int]]] = {}
    for number in classes:
        for _, state, first, node in content.outcomes[begins[number] : begins[number + 1]].tolist():
            if first < 0:
                silent.setdefault((state, node), []).append(number)
            else:
                row = emitted.setdefault((state, first), {})
                row.setdefault(node, []).append(number)
    groups: dict[Any, list[int]] = {}
    for (state, first), row in emitted.items():
        key = first, tuple(sorted((node, tuple(own)) for node, own in row.items()))
        groups.setdefault(key, []).append(state)
    crowds: dict[tuple[int, ...], list[Any]] = {}
    for group, states in groups.items():
        crowds.setdefault(tuple(states), []).append(group)
    ordered = [group for own in crowds.values() for group in own]
    arcs = [row for _, row in ordered]
    flat = [arc for row in arcs for arc in row]
    reached = _reached(content, {node for node, _ in flat} | {node for _, node in silent})
    return Plan(
        _begins(map(len, crowds)),
        _begins(map(len, crowds.values())),
        _ints([state for own in crowds for state in own]),
        _ints([first for first, _ in ordered]),
        _begins(map(len, arcs)),
        _ints([node for node, _ in flat]),
        _begins(len(own) for _, own in flat),
        _ints([number for _, own in flat for number in own]),
        _ints([state for state, _ in silent]),
        _ints([node for _, node in silent]),
        _begins(map(len, silent.values())),
        _ints([number for own in silent.values() for number in own]),
        _ints(sorted((node for node in reached if node >= content.ends), reverse=True)),
        _ints(sorted(node for node in reached if node < content.ends)),
    )


def _reached(content: Content, nodes: set[int]) -> set[int]:
    """The nodes that lie on the ways from some."""
    reached, waiting = set(nodes), list(nodes)
    while waiting:
        after = int(content.node_next[waiting.pop()])
        if after >= 0 and after not in reached:
            reached.add(after)
            waiting.append(after)
    return reached


def _ints(values: Sequence[int]) -> Ints:
    return np.asarray(values, np.int32)


def _begins(counts: Iterable[int]) -> Ints:
    return np.concatenate([[0], np.cumsum(list(counts))]).astype(np.int32)
