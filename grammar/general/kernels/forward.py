"""The pass from the left: what may stand before every position."""

from grammar.loading import inlined, kernel

from .fold import fold
from .frames import add_frame, clear_holders, frame_of, link_to, pop_of, same_links
from .lists import close_list, enter, join, keep_list, lands, merge, new_item, open_list
from .rows import ONE
from .tables import (
    BASE,
    CROWDS,
    FRAMES,
    FULL,
    GROUPS,
    LINKS,
    LISTS,
    POPS,
    RECORD,
    STAMP,
    WIDTH,
)


@inlined
def _step(tables, room, state, row, row_words, operation, node, words, head, first):
    """Reads one kind in one item, into the open list `head`; the list's head, or FULL or WIDE."""
    base = state * tables.operations + operation
    pop, popped = -1, -1
    for move in range(tables.begins[base], tables.begins[base + 1]):
        target, symbol = tables.target[move], tables.pop[move]
        if not lands(tables, node, target):
            continue
        below, below_words = row, row_words
        if symbol >= 0:
            if symbol != popped:
                pop, popped = pop_of(room, row, row_words, symbol, words), symbol
            if pop == -1:
                continue
            if pop < 0:
                return pop
            below, below_words = room.pops[pop].below, words
        pushes, frame = tables.pushes[move], -1
        while pushes > 0:
            rest = tables.list_rest[pushes]
            above = frame_of(room, first, rest, target, words)
            if above < 0:
                return above
            link = link_to(room, above, tables.list_symbol[pushes], words)
            if link < 0:
                return link
            add_frame(room, room.links[link].row, frame, below, below_words)
            frame, pushes = above, rest
        item = room.place[target]
        if item < 0:
            item = new_item(room, target, words, head)
            if item < 0:
                return item
            head = room.place[target] = item
        add_frame(room, room.items[item].row, frame, below, below_words)
    return head


@kernel
def _step_list(tables, room, item, item_words, operation, node, words, head, first):
    """Reads one kind in a list, into the list `head`; its head, or FULL or WIDE."""
    open_list(room, head)
    while item >= 0:
        state, row = room.items[item].state, room.items[item].row
        head = _step(tables, room, state, row, item_words, operation, node, words, head, first)
        if head < -1:
            return head
        item = room.items[item].next
    close_list(room, head)
    return head


@kernel
def _gather(tables, plans, room, crowd, source_words, words):
    """A crowd's list: that of a state itself where only one state is alive. The crowd, or FULL."""
    head, alive = -1, 0
    for own in range(plans.crowd_sources[crowd], plans.crowd_sources[crowd + 1]):
        item = room.entry[plans.source[own]]
        if item >= 0:
            room.heads[alive] = head = item
            alive += 1
    if alive > 1:
        groups, first = plans.group_operation, plans.crowd_groups[crowd]
        last = plans.crowd_groups[crowd + 1]
        head = merge(tables, room, alive, source_words, -1, words, groups, first, last)
        if head < -1:
            return FULL
        close_list(room, head)
    number = room.counters[CROWDS]
    if number >= len(room.crowds):
        return FULL
    room.counters[CROWDS] = number + 1
    room.crowds[number].head = head
    room.crowds[number].words = words if alive > 1 else source_words
    return number


@kernel
def _read_groups(tables, plans, room, crowd, item, item_words, words):
    """The groups of a crowd, and what they lead to; 0, or FULL or WIDE."""
    for group in range(plans.crowd_groups[crowd], plans.crowd_groups[crowd + 1]):
        first, operation = room.counters[FRAMES], plans.group_operation[group]
        head = _step_list(tables, room, item, item_words, operation, -1, words, -1, first)
        if head < -1:
            return head
        number = room.counters[GROUPS]
        if number >= len(room.groups):
            return FULL
        room.counters[GROUPS] = number + 1
        room.groups[number].head = head
        room.groups[number].first = first
        room.groups[number].last = room.counters[FRAMES]
        if head < 0:
            continue
        for arc in range(plans.group_arcs[group], plans.group_arcs[group + 1]):
            if join(tables, room, head, words, plans.arc_node[arc], words) < 0:
                return FULL
    return 0


@kernel
def _read_nodes(tables, plans, room, plan, words):
    """What is left of tokens of several kinds, and the states at their ends; 0, FULL or WIDE."""
    for own in range(plans.inner[plan], plans.inner[plan + 1]):
        node = plans.nodes[own]
        item = room.head[node]
        if item < 0:
            continue
        after, first = tables.node_next[node], room.counters[FRAMES]
        operation = tables.node_operation[node]
        head = room.head[after]
        head = _step_list(tables, room, item, words, operation, after, words, head, first)
        if head < -1:
            return head
        room.head[after] = head
        if keep_list(room, node, first) < 0:
            return FULL
    for own in range(plans.outer[plan], plans.outer[plan + 1]):
        node = plans.ends[own]
        if room.head[node] >= 0 and keep_list(room, node, 0) < 0:
            return FULL
    return 0


@kernel
def _read(tables, plans, room, record, source, plan, slack):
    """The lists of one record; 0, or FULL or WIDE."""
    source_words = room.records[source].words
    words = ((room.counters[FRAMES] - room.counters[BASE]) >> 6) + 1 + slack
    words = max(words, source_words)  # rows never get shorter but by a fold
    room.records[record].words = words
    room.records[record].groups = room.counters[GROUPS]
    room.records[record].pops = room.counters[POPS]
    room.records[record].crowds = room.counters[CROWDS]
    links = room.counters[LINKS]
    if words > room.holders.shape[1]:
        return FULL
    room.counters[WIDTH] = max(room.counters[WIDTH], words)
    enter(tables, room, source, True)
    for crowd in range(plans.crowds[plan], plans.crowds[plan + 1]):
        number = _gather(tables, plans, room, crowd, source_words, words)
        if number < 0:
            return FULL
        item, item_words = room.crowds[number].head, room.crowds[number].words
        code = _read_groups(tables, plans, room, crowd, item, item_words, words)
        if code < 0:
            return code
    for silent in range(plans.silents[plan], plans.silents[plan + 1]):
        item = room.entry[plans.silent_from[silent]]
        if item >= 0:
            node = plans.silent_to[silent]
            if join(tables, room, item, source_words, node, words) < 0:
                return FULL
    code = _read_nodes(tables, plans, room, plan, words)
    if code < 0:
        return code
    enter(tables, room, source, False)
    for pop in range(room.records[record].pops, room.counters[POPS]):
        room.pop_head[room.pops[pop].symbol] = -1
    same_links(room, links, room.counters[LINKS])
    return 0


@kernel
def begin(room, start):
    """Empties the room but for record 0: nothing read yet."""
    clear_holders(room)
    stamp = room.counters[STAMP]
    room.counters[:] = 0
    room.counters[STAMP] = stamp
    room.counters[FRAMES] = 1
    room.link_of[0, :] = -1
    room.frames[0].words = 1
    room.frames[0].links = -1
    room.records[0].words = 1
    room.records[0].lists = 0
    item = new_item(room, start, 1, -1)
    room.arena[room.items[item].row] = ONE
    room.head[0] = item
    keep_list(room, 0, 0)
    room.records[1].lists = 1


@kernel
def forward(tables, plans, room, plan_of, source_of, slack_of, first, last):
    """The lists of some records behind those that are made; 0, or FULL or WIDE.

    Args:
        plan_of: The plan of each record; -1: a fold.
        source_of: The record that each goes on behind.
        slack_of: Words for the frames that a record of each plan makes.
    """
    for record in range(first, last):
        room.counters[RECORD] = record
        plan, source = plan_of[record], source_of[record]
        if plan < 0:
            code = fold(tables, room, record, source)
        else:
            code = _read(tables, plans, room, record, source, plan, slack_of[plan])
        if code < 0:
            return code
        room.records[record + 1].lists = room.counters[LISTS]
        room.records[record + 1].pops = room.counters[POPS]
    return 0


@kernel
def accepts(tables, room, record):
    """Whether the text may end with a record; marks how as good."""
    found = False
    for number in range(room.records[record].lists, room.records[record + 1].lists):
        if room.lists[number].node != tables.ends - 1:
            continue
        item = room.lists[number].head
        while item >= 0:
            row = room.items[item].row
            if tables.finals[room.items[item].state] and room.arena[row] & ONE:
                room.arena[room.items[item].good] |= ONE
                found = True
            item = room.items[item].next
    return found
