"""The pass from the right: what of the pass from the left a whole text goes through."""

from grammar.loading import kernel

from .ahead import groups_of
from .debts import owe, pay, settle
from .fold import unfold
from .forward import ends_well
from .frames import find_frame, pop_of
from .lists import close_list, enter, lands, open_list
from .rows import ONE, add_both, any_bit, has_bit, new_row
from .tables import BASE, DEBTS, FULL, GOOD, LINKS, WORDS


@kernel
def _closed(tables, room, first, last, pushes, target, good):
    """The row above which the pushes of a move are closed well, -1 if they are not."""
    bottom, frame, base = -1, -1, room.counters[BASE]
    while pushes > 0:
        rest = tables.list_rest[pushes]
        above = find_frame(room, first, last, rest, target)
        link = room.link_of[above, tables.list_symbol[pushes]] if above >= 0 else -1
        if link < 0:
            return -1
        closed = room.links[link].row + room.counters[GOOD]
        if frame < 0:
            bottom = closed
        elif not has_bit(room.arena, closed, frame - base):
            return -1
        frame, pushes = above, rest
    return bottom if has_bit(room.arena, good, frame - base) else -1


@kernel
def _retreat(tables, room, item, row_words, operation, node, first, last, words):
    """What of an item's row is good, by the open list that a step of it led to; 0, or FULL."""
    arena, row, behind = room.arena, room.items[item].row, room.counters[GOOD]
    into = row + behind
    base = room.items[item].state * tables.operations + operation
    pop, popped = -1, -1
    for move in range(tables.begins[base], tables.begins[base + 1]):
        target, symbol = tables.target[move], tables.pop[move]
        if not lands(tables, node, target) or room.place[target] < 0:
            continue
        good = room.items[room.place[target]].row + behind
        if tables.pushes[move] > 0:
            good = _closed(tables, room, first, last, tables.pushes[move], target, good)
            if good < 0:
                continue
        if symbol >= 0:
            if not any_bit(arena, good, words):
                continue
            if symbol != popped:
                pop, popped = pop_of(room, row, row_words, symbol, words), symbol
            if pop == FULL or (pop >= 0 and owe(room, item, pop, good, words) < 0):
                return FULL
        else:
            add_both(arena, into, row, good, row_words)
    return 0


@kernel
def _meet(tables, room, item, item_words, node):
    """What of a list is good, by that of a node that it was added to; whether anything is."""
    arena, found, behind = room.arena, False, room.counters[GOOD]
    open_list(room, room.head[node])
    while item >= 0:
        state = room.items[item].state
        own = room.place[state]
        if own >= 0 and lands(tables, node, state):
            row, good = room.items[item].row, room.items[own].row + behind
            if add_both(arena, row + behind, row, good, item_words):
                found = True
        item = room.items[item].next
    close_list(room, room.head[node])
    return found


@kernel
def _retreat_nodes(tables, room, record, words):
    """What is good at the inner nodes of a record; 0, or FULL."""
    pops = room.records[record].pops, room.records[record + 1].pops
    first = room.records[record].lists
    for number in range(room.records[record + 1].lists - 1, first - 1, -1):
        node = room.lists[number].node
        if node < tables.ends or room.head[tables.node_next[node]] < 0:
            continue
        after, operation = tables.node_next[node], tables.node_operation[node]
        frames = room.lists[number].first, room.lists[number].last
        open_list(room, room.head[after])
        item = room.lists[number].head
        while item >= 0:
            if _retreat(tables, room, item, words, operation, after, *frames, words) < 0:
                return FULL
            pay(room, item, words)
            item = room.items[item].next
        close_list(room, room.head[after])
        settle(room, *pops)
    return 0


@kernel
def _retreat_group(tables, plans, room, number, group, item, item_words, words, alive):
    """What of a crowd is good, by one of its groups; whether anything is, or FULL."""
    head, found = room.groups[number].head, False
    if head < 0:
        return 0
    for arc in range(plans.group_arcs[group], plans.group_arcs[group + 1]):
        node = plans.arc_node[arc]
        if room.head[node] >= 0 and _meet(tables, room, head, words, node):
            found = True
            for own in range(plans.arc_classes[arc], plans.arc_classes[arc + 1]):
                alive[plans.arc_class[own]] = True
    if not found:
        return 0
    frames = room.groups[number].first, room.groups[number].last
    operation = plans.group_operation[group]
    open_list(room, head)
    while item >= 0:
        if _retreat(tables, room, item, item_words, operation, -1, *frames, words) < 0:
            return FULL
        item = room.items[item].next
    close_list(room, head)
    return 1


@kernel
def _disperse(plans, room, crowd, head, words, source_words):
    """What of a crowd's list is good, for the lists of its states."""
    arena, item, behind = room.arena, head, room.counters[GOOD]
    while item >= 0:
        pay(room, item, words)
        # Items without anything good are left out of the open list.
        if any_bit(arena, room.items[item].row + behind, source_words):
            room.place[room.items[item].state] = item
        item = room.items[item].next
    for own in range(plans.crowd_sources[crowd], plans.crowd_sources[crowd + 1]):
        item = room.entry[plans.source[own]]
        if item == head:  # the crowd's list is this one itself
            break
        while item >= 0:
            of_crowd = room.place[room.items[item].state]
            if of_crowd >= 0:
                row, good = room.items[item].row, room.items[of_crowd].row + behind
                add_both(arena, row + behind, row, good, source_words)
            item = room.items[item].next
    close_list(room, head)


@kernel
def _open_record(tables, room, record, source):
    """Lets `head`, `entry` and `pop_head` find what a record has made."""
    for number in range(room.records[record].lists, room.records[record + 1].lists):
        room.head[room.lists[number].node] = room.lists[number].head
    enter(tables, room, source, True)
    for pop in range(room.records[record].pops, room.records[record + 1].pops):
        room.pops[pop].next = room.pop_head[room.pops[pop].symbol]
        room.pop_head[room.pops[pop].symbol] = pop


@kernel
def _close_record(tables, room, record, source):
    """Lets them find nothing."""
    for pop in range(room.records[record].pops, room.records[record + 1].pops):
        room.pop_head[room.pops[pop].symbol] = -1
    enter(tables, room, source, False)
    for number in range(room.records[record].lists, room.records[record + 1].lists):
        room.head[room.lists[number].node] = -1


@kernel
def _retreat_plan(tables, plans, room, plan, group, crowd, words, source_words, alive):
    """What is good of a record's source, by one plan; 0, or FULL.

    Args:
        group: The first of its groups.
        crowd: The first of its crowds.
    """
    for number in range(plans.crowds[plan], plans.crowds[plan + 1]):
        head, own_words, found = room.crowds[crowd].head, room.crowds[crowd].words, False
        for own in range(plans.crowd_groups[number], plans.crowd_groups[number + 1]):
            told = _retreat_group(tables, plans, room, group, own, head, own_words, words, alive)
            if told < 0:
                return FULL
            found = found or told > 0
            group += 1
        if found:
            _disperse(plans, room, number, head, own_words, source_words)
        crowd += 1
    for silent in range(plans.silents[plan], plans.silents[plan + 1]):
        item, node = room.entry[plans.silent_from[silent]], plans.silent_to[silent]
        if item < 0 or room.head[node] < 0:
            continue
        if _meet(tables, room, item, source_words, node):
            for own in range(plans.silent_classes[silent], plans.silent_classes[silent + 1]):
                alive[plans.silent_class[own]] = True
    return 0


@kernel
def _retreat_record(tables, plans, room, record, source, parts, first, last, alive):
    """What of a record's source is good, and the classes that are alive; 0, or FULL."""
    words, source_words = room.records[record].words, room.records[source].words
    if _retreat_nodes(tables, room, record, words) < 0:
        return FULL
    group, crowd = room.records[record].groups, room.records[record].crowds
    for part in range(first, last):
        plan = parts[part]
        told = _retreat_plan(tables, plans, room, plan, group, crowd, words, source_words, alive)
        if told < 0:
            return told
        group += groups_of(plans, plan)
        crowd += plans.crowds[plan + 1] - plans.crowds[plan]
    settle(room, room.records[record].pops, room.records[record + 1].pops)
    return 0


@kernel
def _mark_ends(tables, room, record):
    """Says that it is good where the text may end with a record."""
    for number in range(room.records[record].lists, room.records[record + 1].lists):
        item = room.lists[number].head if room.lists[number].node == tables.ends - 1 else -1
        while item >= 0:
            if ends_well(tables, room, item):
                room.arena[room.items[item].row + room.counters[GOOD]] |= ONE
            item = room.items[item].next


@kernel
def _make_good(room):
    """Room for what is good of every row, nothing yet; 0, or FULL."""
    counters = room.counters
    counters[GOOD] = size = counters[WORDS]
    counters[DEBTS] = 0
    if new_row(room, size) < 0:
        return FULL
    for link in range(counters[LINKS]):
        room.links[link].well = 0
    return 0


@kernel
def backward(tables, plans, room, parts, begins, source_of, first, ends, alive):
    """The classes alive in each record from `first` on; 0, or FULL.

    Args:
        parts: The plans of all records.
        begins: Where those of each record begin; a fold has none.
        source_of: The record that each goes on behind.
        first: The first record that is looked at.
        ends: The first of the records that the text may end with.
        alive: Of each record and class, to be written.
    """
    if _make_good(room) < 0:
        return FULL
    for record in range(len(source_of) - 1, first - 1, -1):
        source = source_of[record]
        if begins[record] == begins[record + 1]:
            unfold(room, record)
            continue
        if record >= ends:
            _mark_ends(tables, room, record)
        _open_record(tables, room, record, source)
        told = _retreat_record(
            tables,
            plans,
            room,
            record,
            source,
            parts,
            begins[record],
            begins[record + 1],
            alive[record],
        )
        if told < 0:
            return told
        _close_record(tables, room, record, source)
    return 0
