"""What the text further right leaves possible, were there no stack: a look ahead of the passes.

Of every state of the reader it tells the states of the machine from which the rest of the canvas
may be read, whatever the return points are. So it never leaves out what the passes need, and near
the text behind a hole most of what a hole may hold falls away before it is made.

Rows of a record, one a part: of the ends and of the inner nodes that its plan reaches, of its
groups (states that a group may lead to) and of its crowds (states that a crowd may read in).
"""

from grammar.loading import inlined, kernel

from .rows import ZERO, add_row, any_bit, has_bit, set_bit
from .tables import FULL


@inlined
def count_rows(plans, plan):
    """How many rows a plan has."""
    crowds = plans.crowds[plan + 1] - plans.crowds[plan]
    return groups_at(plans, plan) + groups_of(plans, plan) + crowds


@inlined
def groups_of(plans, plan):
    """How many groups a plan has."""
    first, last = plans.crowds[plan], plans.crowds[plan + 1]
    return plans.crowd_groups[last] - plans.crowd_groups[first] if last > first else 0


@inlined
def groups_at(plans, plan):
    """How many rows of a plan come before its groups."""
    outer = plans.outer[plan + 1] - plans.outer[plan]
    return outer + plans.inner[plan + 1] - plans.inner[plan]


@kernel
def seek(plans, room, plan, row, words):
    """Lets `wants` find the rows of a plan's nodes, which begin at `row`; -1: there are none."""
    for own in range(plans.outer[plan], plans.outer[plan + 1]):
        room.wants[plans.ends[own]] = row
        row += words if row >= 0 else 0
    for own in range(plans.inner[plan], plans.inner[plan + 1]):
        room.wants[plans.nodes[own]] = row
        row += words if row >= 0 else 0


@kernel
def _before(tables, room, operation, wanted, into):
    """Adds the states from which an operation leads to some that are wanted; whether any does."""
    found = False
    for pair in range(tables.pairs[operation], tables.pairs[operation + 1]):
        if has_bit(room.ahead, wanted, tables.pair_target[pair]):
            set_bit(room.ahead, into, tables.pair_state[pair])
            found = True
    return found


@kernel
def _plan_before(tables, plans, room, plan, row, words, after, before):
    """Fills the rows of a plan by what is possible `after` it, and adds what is `before` it."""
    seek(plans, room, plan, row, words)
    ahead, soon = room.ahead, room.soon
    for own in range(plans.outer[plan], plans.outer[plan + 1]):
        node = plans.ends[own]
        for word in range(words):
            ahead[room.wants[node] + word] = soon[after + node * words + word]
    for own in range(plans.inner[plan + 1] - 1, plans.inner[plan] - 1, -1):
        node = plans.nodes[own]
        wanted = room.wants[tables.node_next[node]]
        _before(tables, room, tables.node_operation[node], wanted, room.wants[node])
    group_row = row + groups_at(plans, plan) * words
    need = group_row + groups_of(plans, plan) * words
    for crowd in range(plans.crowds[plan], plans.crowds[plan + 1]):
        found = False
        for group in range(plans.crowd_groups[crowd], plans.crowd_groups[crowd + 1]):
            for arc in range(plans.group_arcs[group], plans.group_arcs[group + 1]):
                add_row(ahead, group_row, room.wants[plans.arc_node[arc]], words)
            if any_bit(ahead, group_row, words):
                operation = plans.group_operation[group]
                found = _before(tables, room, operation, group_row, need) or found
            group_row += words
        if found:
            for own in range(plans.crowd_sources[crowd], plans.crowd_sources[crowd + 1]):
                into = before + plans.source[own] * words
                for word in range(words):
                    soon[into + word] |= ahead[need + word]
        need += words
    for silent in range(plans.silents[plan], plans.silents[plan + 1]):
        into = before + plans.silent_from[silent] * words
        wanted = room.wants[plans.silent_to[silent]]
        for word in range(words):
            soon[into + word] |= ahead[wanted + word]


@kernel
def _record_before(tables, plans, room, parts, first, last, begin, words, after, before):
    """The rows of a record from `begin` on; where the next ones begin, or FULL."""
    end = begin
    for part in range(first, last):
        end += count_rows(plans, parts[part]) * words
    if end > len(room.ahead):
        return FULL
    room.ahead[begin:end] = ZERO
    room.soon[before : before + tables.ends * words] = ZERO
    for part in range(first, last):
        _plan_before(tables, plans, room, parts[part], begin, words, after, before)
        begin += count_rows(plans, parts[part]) * words
    return end


@kernel
def look_ahead(tables, plans, room, parts, begins, near, ending, rows):
    """Fills the rows of the records that are `near`; how many words they are, or FULL.

    Args:
        parts: The plans of all records, those behind which the text may end last.
        begins: Where those of each record begin; a fold has none.
        near: Of all other records, whether it has rows. What lies behind one that has none may be
            anything.
        ending: Of these, whether the text may end behind it.
        rows: Of these, where its rows begin, to be written; -1: it has none.
    """
    last, words = len(begins) - 2, ((len(tables.finals) - 1) >> 6) + 1
    soon, size = room.soon, tables.ends * words
    after, before, final = 0, size, 2 * size
    soon[:size] = ZERO
    for state in range(len(tables.finals)):
        if tables.finals[state]:
            set_bit(soon, size - words, state)
    begin = _record_before(
        tables, plans, room, parts, begins[last], begins[last + 1], 0, words, after, final
    )
    if begin < 0:
        return FULL
    soon[:size] = ZERO
    begin = 0
    for record in range(len(near) - 1, 0, -1):
        rows[record] = -1
        if ending[record]:
            add_row(soon, after, final, size)
        first, end = begins[record], begins[record + 1]
        if first == end:
            continue
        if not near[record]:
            soon[after : after + size] = ~ZERO
            continue
        rows[record] = begin
        begin = _record_before(tables, plans, room, parts, first, end, begin, words, after, before)
        if begin < 0:
            return FULL
        after, before = before, after
    return begin
