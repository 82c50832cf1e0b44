"""Lists of items: what a record says of one node, of a crowd or of a group."""

from grammar.loading import inlined, kernel

from .rows import add_row, has_bit, new_row
from .tables import FRAMES, FULL, ITEMS, LISTS


@inlined
def new_item(room, state, words, after):
    """An item with an empty row, in front of the item `after`; FULL where there is no room."""
    item = room.counters[ITEMS]
    row = new_row(room, words)
    if item >= len(room.items) or row < 0:
        return FULL
    room.counters[ITEMS] = item + 1
    room.items[item].state = state
    room.items[item].row = row
    room.items[item].next = after
    room.items[item].debt = -1
    return item


@inlined
def open_list(room, item):
    """Lets `place` find the items of a list by their states."""
    while item >= 0:
        room.place[room.items[item].state] = item
        item = room.items[item].next


@inlined
def close_list(room, item):
    """Lets `place` find nothing."""
    while item >= 0:
        room.place[room.items[item].state] = -1
        item = room.items[item].next


@inlined
def reads(tables, state, operation):
    """Whether a state may go on with an operation."""
    base = state * tables.operations + operation
    return tables.begins[base] < tables.begins[base + 1]


@inlined
def lands(tables, node, state):
    """Whether a state may go on at a node; nothing more is read at an end (or at -1)."""
    return node < tables.ends or reads(tables, state, tables.node_operation[node])


@kernel
def merge(tables, room, alive, item_words, head, words, operations, first, last, want):
    """Adds the first `alive` lists of `heads` to the open list `head`; the list's head, or FULL.

    Items are left out whose states are not of the row `want`. Where there is none (-1) those are
    that can do none of `operations[first:last]`, if there are any.
    """
    for number in range(alive):
        item = room.heads[number]
        while item >= 0:
            state = room.items[item].state
            wanted = has_bit(room.ahead, want, state) if want >= 0 else first == last
            for own in range(first, last if want < 0 else first):
                wanted = wanted or reads(tables, state, operations[own])
            if wanted:
                into = room.place[state]
                if into < 0:
                    into = new_item(room, state, words, head)
                    if into < 0:
                        return into
                    head = room.place[state] = into
                add_row(room.arena, room.items[into].row, room.items[item].row, item_words)
            item = room.items[item].next
    return head


@kernel
def join(tables, room, item, item_words, node, words):
    """Adds a list to that of a node; 0, or FULL."""
    first, last = (0, 0) if node < tables.ends else (node, node + 1)
    head = room.head[node]
    open_list(room, head)
    room.heads[0] = item
    want, operations = room.wants[node], tables.node_operation
    head = merge(tables, room, 1, item_words, head, words, operations, first, last, want)
    if head < -1:
        return head
    close_list(room, head)
    room.head[node] = head
    return 0


@kernel
def enter(tables, room, source, enters):
    """Lets `entry` find the lists of a record by states of the reader, or no more."""
    for number in range(room.records[source].lists, room.records[source + 1].lists):
        node = room.lists[number].node
        if node < tables.ends:
            room.entry[node] = room.lists[number].head if enters else -1


@kernel
def keep_list(room, node, first):
    """Writes a node's list down; FULL without room."""
    number = room.counters[LISTS]
    if number >= len(room.lists):
        return FULL
    room.counters[LISTS] = number + 1
    room.lists[number].node = node
    room.lists[number].head = room.head[node]
    room.lists[number].first = first
    room.lists[number].last = room.counters[FRAMES]
    room.head[node] = -1
    return number
