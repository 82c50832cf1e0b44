"""The pass from the left: what may stand before every position."""

from grammar.loading import inlined, kernel

from .ahead import count_rows, groups_at, groups_of, seek
from .fold import fold, hold_again
from .frames import add_frame, clear_holders, frame_of, link_to, pop_of, same_links
from .lists import close_list, enter, join, keep_list, lands, merge, new_item, open_list
from .rows import ONE, ZERO, has_bit
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
def _step(tables, room, state, row, row_words, operation, node, want, words, head, first):
    """Reads one kind in one item, into the open list `head`; the list's head, or FULL or WIDE.

    Only states of the row `want` are led to; where there is none (-1) such as may go on at `node`.
    """
    base = state * tables.operations + operation
    pop, popped = -1, -1
    for move in range(tables.begins[base], tables.begins[base + 1]):
        target, symbol = tables.target[move], tables.pop[move]
        if not (has_bit(room.ahead, want, target) if want >= 0 else lands(tables, node, target)):
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
def _step_list(tables, room, item, item_words, operation, node, want, words, head, first):
    """Reads one kind in a list, into the list `head`; its head, or FULL or WIDE."""
    open_list(room, head)
    while item >= 0:
        state, row = room.items[item].state, room.items[item].row
        head = _step(
            tables, room, state, row, item_words, operation, node, want, words, head, first
        )
        if head < -1:
            return head
        item = room.items[item].next
    close_list(room, head)
    return head


@kernel
def _gather(tables, plans, room, crowd, want, source_words, words):
    """A crowd's list: that of a state itself where only one state is alive. The crowd, or FULL.

    Items are of states in the row `want`, if there is one.
    """
    head, alive = -1, 0
    for own in range(plans.crowd_sources[crowd], plans.crowd_sources[crowd + 1]):
        item = room.entry[plans.source[own]]
        if item >= 0:
            room.heads[alive] = head = item
            alive += 1
    if alive > 1:
        groups, first = plans.group_operation, plans.crowd_groups[crowd]
        last = plans.crowd_groups[crowd + 1]
        head = merge(tables, room, alive, source_words, -1, words, groups, first, last, want)
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
def _read_groups(tables, plans, room, crowd, item, item_words, words, want, step):
    """The groups of a crowd, and what they lead to; 0, or FULL or WIDE.

    The first group leads to states in the row `want` (-1: any), those behind it `step` words on.
    """
    for group in range(plans.crowd_groups[crowd], plans.crowd_groups[crowd + 1]):
        first, operation = room.counters[FRAMES], plans.group_operation[group]
        head = _step_list(tables, room, item, item_words, operation, -1, want, words, -1, first)
        want += step
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
def _inner_below(plans, parts, first, last, bound):
    """The largest inner node below a number that one of some plans reaches, or -1."""
    found = -1
    for part in range(first, last):
        low, end = plans.inner[parts[part]], plans.inner[parts[part] + 1]
        high = end
        while low < high:
            middle = (low + high) >> 1
            if plans.nodes[middle] < bound:
                high = middle
            else:
                low = middle + 1
        if low < end:
            found = max(found, plans.nodes[low])
    return found


@kernel
def _read_nodes(tables, plans, room, parts, first, last, words):
    """What is left of tokens of several kinds, and the states at their ends; 0, FULL or WIDE."""
    node = _inner_below(plans, parts, first, last, len(tables.node_next))
    while node >= 0:
        item = room.head[node]
        if item >= 0:
            after, frame = tables.node_next[node], room.counters[FRAMES]
            operation, want, head = tables.node_operation[node], room.wants[after], room.head[after]
            head = _step_list(tables, room, item, words, operation, after, want, words, head, frame)
            if head < -1:
                return head
            room.head[after] = head
            if keep_list(room, node, frame) < 0:
                return FULL
        node = _inner_below(plans, parts, first, last, node)
    for part in range(first, last):
        for own in range(plans.outer[parts[part]], plans.outer[parts[part] + 1]):
            node = plans.ends[own]
            if room.head[node] >= 0 and keep_list(room, node, 0) < 0:
                return FULL
    return 0


@kernel
def _read_plan(tables, plans, room, plan, row, source_words, words):
    """What the classes of a plan lead to; 0, or FULL or WIDE.

    Args:
        row: Where its rows of looking ahead begin; -1: there are none.
    """
    step = ((len(tables.finals) - 1) >> 6) + 1 if row >= 0 else 0
    want = row + groups_at(plans, plan) * step
    need = want + groups_of(plans, plan) * step
    for crowd in range(plans.crowds[plan], plans.crowds[plan + 1]):
        number = _gather(tables, plans, room, crowd, need, source_words, words)
        if number < 0:
            return FULL
        item, item_words = room.crowds[number].head, room.crowds[number].words
        code = _read_groups(tables, plans, room, crowd, item, item_words, words, want, step)
        if code < 0:
            return code
        want += (plans.crowd_groups[crowd + 1] - plans.crowd_groups[crowd]) * step
        need += step
    for silent in range(plans.silents[plan], plans.silents[plan + 1]):
        item = room.entry[plans.silent_from[silent]]
        if item >= 0:
            node = plans.silent_to[silent]
            if join(tables, room, item, source_words, node, words) < 0:
                return FULL
    return 0


@kernel
def _read(tables, plans, room, record, source, parts, first, last, row, slack):
    """The lists of one record; 0, or FULL or WIDE."""
    source_words = room.records[source].words
    words = ((room.counters[FRAMES] - room.counters[BASE]) >> 6) + 1 + slack
    words = max(words, source_words)  # rows never get shorter but by a fold
    room.records[record].words = words
    room.records[record].groups = room.counters[GROUPS]
    room.records[record].crowds = room.counters[CROWDS]
    links, pops = room.counters[LINKS], room.counters[POPS]
    if words > room.holders.shape[1]:
        return FULL
    room.counters[WIDTH] = max(room.counters[WIDTH], words)
    enter(tables, room, source, True)
    step, begin = ((len(tables.finals) - 1) >> 6) + 1 if row >= 0 else 0, row
    for part in range(first, last):
        seek(plans, room, parts[part], row, step)
        row += count_rows(plans, parts[part]) * step
    row = begin
    for part in range(first, last):
        code = _read_plan(tables, plans, room, parts[part], row, source_words, words)
        if code < 0:
            return code
        row += count_rows(plans, parts[part]) * step
    code = _read_nodes(tables, plans, room, parts, first, last, words)
    if code < 0:
        return code
    enter(tables, room, source, False)
    for pop in range(pops, room.counters[POPS]):
        room.pop_head[room.pops[pop].symbol] = -1
    same_links(room, links, room.counters[LINKS])
    return 0


@inlined
def mark(room, record):
    """Writes down the counters behind a record."""
    for own in range(len(room.counters)):
        room.marks[record, own] = room.counters[own]


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
    room.records[1].pops = 0
    mark(room, 0)


@kernel
def again(room, record):
    """Goes back to where a record was made, with `STAMP` and `WIDTH` as they are."""
    stamp, width = room.counters[STAMP], room.counters[WIDTH]
    for own in range(len(room.counters)):
        room.counters[own] = room.marks[record, own]
    room.counters[STAMP], room.counters[WIDTH] = stamp, width
    hold_again(room, room.counters[LINKS])


@kernel
def forward(tables, plans, room, parts, begins, source_of, rows, slack_of, first):
    """The lists of all records from `first` on; 0, or FULL or WIDE.

    Args:
        parts: The plans of all records.
        begins: Where those of each record begin; a fold has none.
        source_of: The record that each goes on behind.
        rows: Where the rows of looking ahead of each record begin; -1: it has none.
        slack_of: Words for the frames that a record of each plan makes.
    """
    for record in range(first, len(source_of)):
        room.counters[RECORD] = record
        begin, end, source = begins[record], begins[record + 1], source_of[record]
        if begin == end:
            code = fold(tables, room, record, source)
        else:
            slack = slack_of[parts[begin]] + end - begin - 1
            row = rows[record]
            code = _read(tables, plans, room, record, source, parts, begin, end, row, slack)
        if code < 0:
            return code
        room.records[record + 1].lists = room.counters[LISTS]
        room.records[record + 1].pops = room.counters[POPS]
        mark(room, record)
    return 0


@inlined
def ends_well(tables, room, item):
    """Whether the text may end with an item: in a final state, with nothing on the stack."""
    empty = room.arena[room.items[item].row] & ONE
    return tables.finals[room.items[item].state] and empty != ZERO


@kernel
def accepts(tables, room, record):
    """Whether the text may end with a record."""
    for number in range(room.records[record].lists, room.records[record + 1].lists):
        item = room.lists[number].head if room.lists[number].node == tables.ends - 1 else -1
        while item >= 0:
            if ends_well(tables, room, item):
                return True
            item = room.items[item].next
    return False
