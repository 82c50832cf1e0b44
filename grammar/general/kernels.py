"""The two passes over the lattice of a canvas, compiled by numba where it is installed.

A record is one position of the canvas, or the end of the text behind one. It reads the lists of
the record before it (one a state of the reader) and makes its own. A list is a set of items, one a
state of the machine; an item's row says which frames may be on top of the stack, as bits. A list is
made for each crowd of states of the reader that do the same, for each group of the record's plan
(what a crowd says first), for each inner node and for each state of the reader.

A step reads one kind of lexeme in all items of a list. Where a rule is called, it makes a frame.
All calls of the step that come to the same state with the same return points above are one frame:
nothing that happens above it tells them apart. Where it returns to, and above which frames, are
links of the frame. Backward, a link remembers above which of its frames it was left well.

Without annotations: this file is loaded past import hooks of run-time type checkers. Loaded with
`PLAIN` set, or without numba, the functions run as they are: slowly, and without being compiled.
"""

from collections import namedtuple
from importlib import import_module
from importlib.util import find_spec

import numpy as np

if globals().get("PLAIN") or find_spec("numba") is None:

    def njit(**options):
        """As numba's, compiling nothing."""
        return lambda function: function

else:
    njit = import_module("numba").njit

ONE, ZERO = np.uint64(1), np.uint64(0)

FULL, WIDE = -2, -3
"""What a pass returns without enough room: for anything, for the frames of one record."""

WORDS, ITEMS, FRAMES, LINKS, LISTS, GROUPS, CROWDS, POPS, DEBTS, STAMP = range(10)
"""Counters of the room."""

Tables = namedtuple(
    "Tables",
    "begins pop pushes target list_symbol list_rest finals node_operation node_next"
    " operations ends",
)
"""`grammar.general.tables.Content`'s arrays; `ends` is the number of states of the reader."""

Plans = namedtuple(
    "Plans",
    "crowds groups silents inner outer crowd_sources source group_operation group_crowd"
    " group_arcs arc_node"
    " arc_classes arc_class silent_from silent_to silent_classes silent_class nodes ends",
)
"""Plans one behind the other; the first five say where the parts of each begin."""

Room = namedtuple(
    "Room",
    "arena holders scratch item_state item_row item_good item_next item_debt frame_rest"
    " frame_target link_of frame_words link_symbol link_row link_closed link_same link_stamp"
    " link_next list_node list_head list_first list_last crowd_head crowd_words group_head"
    " group_first group_last"
    " pop_symbol pop_row pop_below pop_good pop_next pop_head debt_pop debt_good debt_next"
    " place head entry record_lists record_crowds record_groups record_pops record_words counters",
)
"""Where the passes write. A pop is a set of frames that return to one point and what lies below
them; the same ones are asked for again and again. A debt is what is good below a pop of an item,
not yet said to the item. `place` (of states of the machine), `head` (of nodes) and `entry` (of
states of the reader) are scratch, -1 between two uses."""


@njit(cache=True, nogil=True)
def _new_row(room, words):
    """A row of zeros; -1 where the arena is full."""
    row = room.counters[WORDS]
    if row + words > len(room.arena):
        return -1
    room.counters[WORDS] = row + words
    for word in range(row, row + words):
        room.arena[word] = ZERO
    return row


@njit(cache=True, nogil=True)
def _new_item(room, state, words, after):
    """An item with empty rows, in front of the item `after`; FULL where there is no room."""
    item = room.counters[ITEMS]
    row = _new_row(room, 2 * words)
    if item >= len(room.item_state) or row < 0:
        return FULL
    room.counters[ITEMS] = item + 1
    room.item_state[item] = state
    room.item_row[item] = row
    room.item_good[item] = row + words
    room.item_next[item] = after
    room.item_debt[item] = -1
    return item


@njit(cache=True, nogil=True)
def _open(room, item):
    """Lets `place` find the items of a list by their states."""
    while item >= 0:
        room.place[room.item_state[item]] = item
        item = room.item_next[item]


@njit(cache=True, nogil=True)
def _close(room, item):
    while item >= 0:
        room.place[room.item_state[item]] = -1
        item = room.item_next[item]


@njit(cache=True, nogil=True)
def _find_frame(room, first, last, rest, target):
    """A frame of a step, -1 if there is none."""
    for frame in range(first, last):
        if room.frame_rest[frame] == rest and room.frame_target[frame] == target:
            return frame
    return -1


@njit(cache=True, nogil=True)
def _frame(room, first, rest, target, words):
    """A frame of a step, made where it is missing."""
    frame = _find_frame(room, first, room.counters[FRAMES], rest, target)
    if frame >= 0:
        return frame
    frame = room.counters[FRAMES]
    if frame >= words * 64:
        return WIDE
    if frame >= len(room.frame_rest):
        return FULL
    room.counters[FRAMES] = frame + 1
    room.frame_rest[frame] = rest
    room.frame_target[frame] = target
    room.link_of[frame, :] = -1
    room.frame_words[frame] = words
    return frame


@njit(cache=True, nogil=True)
def _link(room, frame, symbol, words):
    """A link of a frame, made where it is missing."""
    link = room.link_of[frame, symbol]
    if link >= 0:
        return link
    link = room.counters[LINKS]
    row = _new_row(room, 2 * words)
    if link >= len(room.link_row) or row < 0:
        return FULL
    room.counters[LINKS] = link + 1
    room.link_symbol[link] = symbol
    room.link_row[link] = row
    room.link_closed[link] = row + words
    room.link_stamp[link] = 0
    room.link_of[frame, symbol] = link
    room.holders[symbol, frame >> 6] |= ONE << np.uint64(frame & 63)
    return link


@njit(cache=True, nogil=True)
def _number(low):
    """Of a word with one bit, the bit's."""
    number = 0
    if low >> np.uint64(32):
        number += 32
    if (low >> np.uint64(number)) >> np.uint64(16):
        number += 16
    if (low >> np.uint64(number)) >> np.uint64(8):
        number += 8
    if (low >> np.uint64(number)) >> np.uint64(4):
        number += 4
    if (low >> np.uint64(number)) >> np.uint64(2):
        number += 2
    if (low >> np.uint64(number)) >> np.uint64(1):
        number += 1
    return number


@njit(cache=True, nogil=True)
def _lands(tables, node, state):
    """Whether a state may go on at a node."""
    if node < tables.ends:
        return True
    base = state * tables.operations + tables.node_operation[node]
    return tables.begins[base] < tables.begins[base + 1]


@njit(cache=True, nogil=True)
def _same(arena, one, other, words):
    for word in range(words):
        if arena[one + word] != arena[other + word]:
            return False
    return True


@njit(cache=True, nogil=True)
def _pop(room, row, row_words, symbol, words):
    """The pop of `symbol` from a row, made where it is new; -1 if no frame returns there."""
    arena, scratch = room.arena, room.scratch
    some = ZERO
    for word in range(row_words):
        scratch[word] = arena[row + word] & room.holders[symbol, word]
        some |= scratch[word]
    if not some:
        return -1
    for word in range(row_words, words):
        scratch[word] = ZERO
    known = room.pop_head[symbol]
    while known >= 0:
        own, word = room.pop_row[known], 0
        while word < words and arena[own + word] == scratch[word]:
            word += 1
        if word == words:
            return known
        known = room.pop_next[known]
    pop = room.counters[POPS]
    own = _new_row(room, 3 * words)
    if pop >= len(room.pop_row) or own < 0:
        return FULL
    room.counters[POPS] = pop + 1
    room.pop_symbol[pop] = symbol
    room.pop_row[pop], room.pop_below[pop], room.pop_good[pop] = own, own + words, own + 2 * words
    room.pop_next[pop] = room.pop_head[symbol]
    room.pop_head[symbol] = pop
    room.counters[STAMP] += 1
    stamp = room.counters[STAMP]
    for word in range(words):
        left = arena[own + word] = scratch[word]
        while left:
            low = left & (~left + ONE)
            left ^= low
            frame = word * 64 + _number(low)
            link = room.link_same[room.link_of[frame, symbol]]
            if room.link_stamp[link] != stamp:
                room.link_stamp[link] = stamp
                below = room.link_row[link]
                for at in range(room.frame_words[frame]):
                    arena[own + words + at] |= arena[below + at]
    return pop


@njit(cache=True, nogil=True)
def _same_links(room, first, last):
    """Finds links of one record that return to the same point above the same frames."""
    for link in range(first, last):
        symbol = room.link_symbol[link]
        words = room.link_closed[link] - room.link_row[link]
        same = room.pop_head[symbol]
        while same >= 0 and not _same(room.arena, room.link_row[same], room.link_row[link], words):
            same = room.link_next[same]
        if same < 0:
            room.link_next[link] = room.pop_head[symbol]
            room.pop_head[symbol] = same = link
        room.link_same[link] = same
    for link in range(first, last):
        room.pop_head[room.link_symbol[link]] = -1


@njit(cache=True, nogil=True)
def _add(room, into, frame, row, words):
    """To a row: the frame, or if there is none the row."""
    arena = room.arena
    if frame >= 0:
        arena[into + (frame >> 6)] |= ONE << np.uint64(frame & 63)
    else:
        for word in range(words):
            arena[into + word] |= arena[row + word]


@njit(cache=True, nogil=True)
def _step(tables, room, state, row, row_words, operation, node, words, head, first):
    """Reads one kind in one item, into the open list `head`; the list's head, or FULL or WIDE."""
    base = state * tables.operations + operation
    for move in range(tables.begins[base], tables.begins[base + 1]):
        target, symbol = tables.target[move], tables.pop[move]
        if not _lands(tables, node, target):
            continue
        below, below_words = row, row_words
        if symbol >= 0:
            pop = _pop(room, row, row_words, symbol, words)
            if pop == -1:
                continue
            if pop < 0:
                return pop
            below, below_words = room.pop_below[pop], words
        pushes, frame = tables.pushes[move], -1
        while pushes > 0:
            rest = tables.list_rest[pushes]
            above = _frame(room, first, rest, target, words)
            if above < 0:
                return above
            link = _link(room, above, tables.list_symbol[pushes], words)
            if link < 0:
                return link
            _add(room, room.link_row[link], frame, below, below_words)
            frame, pushes = above, rest
        item = room.place[target]
        if item < 0:
            item = _new_item(room, target, words, head)
            if item < 0:
                return item
            head = room.place[target] = item
        _add(room, room.item_row[item], frame, below, below_words)
    return head


@njit(cache=True, nogil=True)
def _join(tables, room, item, item_words, node, words):
    """Adds a list to that of a node; 0, or FULL."""
    head = room.head[node]
    _open(room, head)
    while item >= 0:
        state = room.item_state[item]
        if _lands(tables, node, state):
            own = room.place[state]
            if own < 0:
                own = _new_item(room, state, words, head)
                if own < 0:
                    return own
                head = room.place[state] = own
            _add(room, room.item_row[own], -1, room.item_row[item], item_words)
        item = room.item_next[item]
    _close(room, head)
    room.head[node] = head
    return 0


@njit(cache=True, nogil=True)
def _enter(tables, room, source, enters):
    """Lets `entry` find the lists of a record by states of the reader, or no more."""
    for number in range(room.record_lists[source], room.record_lists[source + 1]):
        node = room.list_node[number]
        if node < tables.ends:
            room.entry[node] = room.list_head[number] if enters else -1


@njit(cache=True, nogil=True)
def _keep_list(room, node, first):
    """Writes a node's list down; FULL without room."""
    number = room.counters[LISTS]
    if number >= len(room.list_node):
        return FULL
    room.counters[LISTS] = number + 1
    room.list_node[number] = node
    room.list_head[number] = room.head[node]
    room.list_first[number] = first
    room.list_last[number] = room.counters[FRAMES]
    room.head[node] = -1
    return number


@njit(cache=True, nogil=True)
def _gather(tables, plans, room, plan, source_words, words):
    """The lists of the crowds: that of a state itself where only one state of them is alive."""
    for crowd in range(plans.crowds[plan], plans.crowds[plan + 1]):
        head, alive = -1, 0
        for own in range(plans.crowd_sources[crowd], plans.crowd_sources[crowd + 1]):
            item = room.entry[plans.source[own]]
            if item >= 0:
                head, alive = item, alive + 1
        if alive > 1:
            head = -1
            for own in range(plans.crowd_sources[crowd], plans.crowd_sources[crowd + 1]):
                item = room.entry[plans.source[own]]
                while item >= 0:
                    state = room.item_state[item]
                    into = room.place[state]
                    if into < 0:
                        into = _new_item(room, state, words, head)
                        if into < 0:
                            return FULL
                        head = room.place[state] = into
                    _add(room, room.item_row[into], -1, room.item_row[item], source_words)
                    item = room.item_next[item]
            _close(room, head)
        number = room.counters[CROWDS]
        if number >= len(room.crowd_head):
            return FULL
        room.counters[CROWDS] = number + 1
        room.crowd_head[number] = head
        room.crowd_words[number] = words if alive > 1 else source_words
    return 0


@njit(cache=True, nogil=True)
def _forward_groups(tables, plans, room, plan, crowds, words):
    for group in range(plans.groups[plan], plans.groups[plan + 1]):
        head, first = -1, room.counters[FRAMES]
        crowd = crowds + plans.group_crowd[group]
        item = room.crowd_head[crowd]
        while item >= 0:
            head = _step(
                tables,
                room,
                room.item_state[item],
                room.item_row[item],
                room.crowd_words[crowd],
                plans.group_operation[group],
                -1,
                words,
                head,
                first,
            )
            if head < -1:
                return head
            item = room.item_next[item]
        _close(room, head)
        number = room.counters[GROUPS]
        if number >= len(room.group_head):
            return FULL
        room.counters[GROUPS] = number + 1
        room.group_head[number] = head
        room.group_first[number] = first
        room.group_last[number] = room.counters[FRAMES]
        if head >= 0:
            for arc in range(plans.group_arcs[group], plans.group_arcs[group + 1]):
                if _join(tables, room, head, words, plans.arc_node[arc], words) < 0:
                    return FULL
    return 0


@njit(cache=True, nogil=True)
def _forward(tables, plans, room, record, source, plan, slack):
    """The lists of one record; 0, or FULL or WIDE."""
    words = (room.counters[FRAMES] >> 6) + 1 + slack
    room.record_words[record] = words
    room.record_groups[record] = room.counters[GROUPS]
    room.record_pops[record] = room.counters[POPS]
    crowds = room.record_crowds[record] = room.counters[CROWDS]
    links = room.counters[LINKS]
    if words > room.holders.shape[1]:
        return FULL
    source_words = room.record_words[source]
    _enter(tables, room, source, True)
    if _gather(tables, plans, room, plan, source_words, words) < 0:
        return FULL
    code = _forward_groups(tables, plans, room, plan, crowds, words)
    if code < 0:
        return code
    for silent in range(plans.silents[plan], plans.silents[plan + 1]):
        item = room.entry[plans.silent_from[silent]]
        if item >= 0:
            node = plans.silent_to[silent]
            if _join(tables, room, item, source_words, node, words) < 0:
                return FULL
    for own in range(plans.inner[plan], plans.inner[plan + 1]):
        node = plans.nodes[own]
        item = room.head[node]
        if item < 0:
            continue
        after, first = tables.node_next[node], room.counters[FRAMES]
        head = room.head[after]
        _open(room, head)
        while item >= 0:
            head = _step(
                tables,
                room,
                room.item_state[item],
                room.item_row[item],
                words,
                tables.node_operation[node],
                after,
                words,
                head,
                first,
            )
            if head < -1:
                return head
            item = room.item_next[item]
        _close(room, head)
        room.head[after] = head
        if _keep_list(room, node, first) < 0:
            return FULL
    for own in range(plans.outer[plan], plans.outer[plan + 1]):
        node = plans.ends[own]
        if room.head[node] >= 0 and _keep_list(room, node, 0) < 0:
            return FULL
    _enter(tables, room, source, False)
    for pop in range(room.record_pops[record], room.counters[POPS]):
        room.pop_head[room.pop_symbol[pop]] = -1
    _same_links(room, links, room.counters[LINKS])
    room.record_lists[record + 1] = room.counters[LISTS]
    room.record_pops[record + 1] = room.counters[POPS]
    return 0


@njit(cache=True, nogil=True)
def forward(tables, plans, room, plan_of, source_of, start, slack):
    """The lists of all records; 0, or FULL or WIDE."""
    room.counters[:] = 0
    room.counters[FRAMES] = 1
    room.link_of[0, :] = -1
    room.frame_words[0] = 1
    room.holders[:] = ZERO
    room.record_words[0] = 1
    room.record_groups[0] = 0
    room.record_lists[0] = 0
    room.record_pops[0] = 0
    item = _new_item(room, start, 1, -1)
    room.arena[room.item_row[item]] = ONE
    room.head[0] = item
    _keep_list(room, 0, 0)
    room.record_lists[1] = 1
    for record in range(1, len(plan_of)):
        code = _forward(tables, plans, room, record, source_of[record], plan_of[record], slack)
        if code < 0:
            return code
    return 0


@njit(cache=True, nogil=True)
def accepts(tables, room, record):
    """Whether the text may end with a record; marks how as good."""
    found = False
    for number in range(room.record_lists[record], room.record_lists[record + 1]):
        if room.list_node[number] != tables.ends - 1:
            continue
        item = room.list_head[number]
        while item >= 0:
            row = room.item_row[item]
            if tables.finals[room.item_state[item]] and room.arena[row] & ONE:
                room.arena[room.item_good[item]] |= ONE
                found = True
            item = room.item_next[item]
    return found


@njit(cache=True, nogil=True)
def _closed(tables, room, first, last, pushes, target, good):
    """The row above which the pushes of a move are closed well, -1 if they are not."""
    bottom, frame = -1, -1
    while pushes > 0:
        rest = tables.list_rest[pushes]
        above = _find_frame(room, first, last, rest, target)
        link = room.link_of[above, tables.list_symbol[pushes]] if above >= 0 else -1
        if link < 0:
            return -1
        closed = room.link_closed[link]
        if frame < 0:
            bottom = closed
        elif not (room.arena[closed + (frame >> 6)] >> np.uint64(frame & 63)) & ONE:
            return -1
        frame, pushes = above, rest
    if not (room.arena[good + (frame >> 6)] >> np.uint64(frame & 63)) & ONE:
        return -1
    return bottom


@njit(cache=True, nogil=True)
def _owe(room, item, row_words, symbol, good, words):
    """Notes what is good below a pop of an item; 0, or FULL."""
    pop = _pop(room, room.item_row[item], row_words, symbol, words)
    if pop < 0:
        return pop if pop == FULL else 0
    debt = room.item_debt[item]
    while debt >= 0 and room.debt_pop[debt] != pop:
        debt = room.debt_next[debt]
    if debt < 0:
        debt = room.counters[DEBTS]
        row = _new_row(room, words)
        if debt >= len(room.debt_pop) or row < 0:
            return FULL
        room.counters[DEBTS] = debt + 1
        room.debt_pop[debt], room.debt_good[debt] = pop, row
        room.debt_next[debt] = room.item_debt[item]
        room.item_debt[item] = debt
    into = room.debt_good[debt]
    for word in range(words):
        room.arena[into + word] |= room.arena[good + word]
    return 0


@njit(cache=True, nogil=True)
def _pay(room, item, row_words):
    """Says to an item which of its frames are good for what it is owed, and to the pops."""
    arena, debt, into = room.arena, room.item_debt[item], room.item_good[item]
    while debt >= 0:
        pop, good = room.debt_pop[debt], room.debt_good[debt]
        symbol, total = room.pop_symbol[pop], room.pop_good[pop]
        words = total - room.pop_below[pop]
        room.counters[STAMP] += 2
        stamp = room.counters[STAMP]
        for word in range(row_words):
            left = arena[room.pop_row[pop] + word]
            while left:
                low = left & (~left + ONE)
                left ^= low
                frame = word * 64 + _number(low)
                link = room.link_same[room.link_of[frame, symbol]]
                if room.link_stamp[link] < stamp:
                    below = room.link_row[link]
                    room.link_stamp[link] = stamp
                    for own in range(room.frame_words[frame]):
                        if arena[below + own] & arena[good + own]:
                            room.link_stamp[link] = stamp + 1
                            break
                if room.link_stamp[link] > stamp:
                    arena[into + word] |= low
        for word in range(words):
            arena[total + word] |= arena[good + word]
        debt = room.debt_next[debt]
    room.counters[STAMP] += 1
    room.item_debt[item] = -1


@njit(cache=True, nogil=True)
def _settle(room, first, last):
    """Says to links above which of their frames they were left well, for pops of a record."""
    arena = room.arena
    for pop in range(first, last):
        symbol, total = room.pop_symbol[pop], room.pop_good[pop]
        words, some = total - room.pop_below[pop], False
        for word in range(words):
            some = some or arena[total + word] != ZERO
        for word in range(words if some else 0):
            left = arena[room.pop_row[pop] + word]
            while left:
                low = left & (~left + ONE)
                left ^= low
                frame = word * 64 + _number(low)
                link = room.link_of[frame, symbol]
                below, closed = room.link_row[link], room.link_closed[link]
                for own in range(room.frame_words[frame]):
                    arena[closed + own] |= arena[below + own] & arena[total + own]
        for word in range(words if some else 0):
            arena[total + word] = ZERO


@njit(cache=True, nogil=True)
def _retreat(tables, room, item, row_words, operation, node, first, last, words):
    """What of an item's row is good, by the open list that a step of it led to; 0, or FULL."""
    arena, row, into = room.arena, room.item_row[item], room.item_good[item]
    base = room.item_state[item] * tables.operations + operation
    for move in range(tables.begins[base], tables.begins[base + 1]):
        target, symbol = tables.target[move], tables.pop[move]
        if not _lands(tables, node, target) or room.place[target] < 0:
            continue
        good = room.item_good[room.place[target]]
        if tables.pushes[move] > 0:
            good = _closed(tables, room, first, last, tables.pushes[move], target, good)
            if good < 0:
                continue
        if symbol >= 0:
            if _owe(room, item, row_words, symbol, good, words) < 0:
                return FULL
        else:
            for word in range(row_words):
                arena[into + word] |= arena[row + word] & arena[good + word]
    return 0


@njit(cache=True, nogil=True)
def _meet(tables, room, item, item_words, node):
    """What of a list is good, by that of a node that it was added to; whether anything is."""
    arena, found = room.arena, False
    _open(room, room.head[node])
    while item >= 0:
        state = room.item_state[item]
        own = room.place[state]
        if own >= 0 and _lands(tables, node, state):
            row, into, good = room.item_row[item], room.item_good[item], room.item_good[own]
            for word in range(item_words):
                both = arena[row + word] & arena[good + word]
                if both:
                    arena[into + word] |= both
                    found = True
        item = room.item_next[item]
    _close(room, room.head[node])
    return found


@njit(cache=True, nogil=True)
def _disperse(plans, room, record, plan, source_words):
    """What of the crowds' lists is good, for the lists of their states."""
    arena = room.arena
    for crowd in range(plans.crowds[plan], plans.crowds[plan + 1]):
        number = room.record_crowds[record] + crowd - plans.crowds[plan]
        head, sole = room.crowd_head[number], False
        item = head
        while item >= 0:
            _pay(room, item, room.crowd_words[number])
            item = room.item_next[item]
        _open(room, head)
        for own in range(plans.crowd_sources[crowd], plans.crowd_sources[crowd + 1]):
            item = room.entry[plans.source[own]]
            sole = sole or item == head
            while item >= 0 and not sole:
                state = room.item_state[item]
                row, into = room.item_row[item], room.item_good[item]
                good = room.item_good[room.place[state]]
                for word in range(source_words):
                    arena[into + word] |= arena[row + word] & arena[good + word]
                item = room.item_next[item]
        _close(room, head)


@njit(cache=True, nogil=True)
def _backward(tables, plans, room, record, source, plan, alive):
    """What of a record's source is good, and the classes that are alive."""
    words, source_words = room.record_words[record], room.record_words[source]
    first, last = room.record_lists[record], room.record_lists[record + 1]
    for number in range(first, last):
        room.head[room.list_node[number]] = room.list_head[number]
    _enter(tables, room, source, True)
    pops = room.record_pops[record], room.record_pops[record + 1]
    for pop in range(pops[0], pops[1]):
        room.pop_next[pop] = room.pop_head[room.pop_symbol[pop]]
        room.pop_head[room.pop_symbol[pop]] = pop
    for number in range(last - 1, first - 1, -1):
        node = room.list_node[number]
        if node < tables.ends or room.head[tables.node_next[node]] < 0:
            continue
        after = tables.node_next[node]
        _open(room, room.head[after])
        item = room.list_head[number]
        while item >= 0:
            frames = room.list_first[number], room.list_last[number]
            operation = tables.node_operation[node]
            if _retreat(tables, room, item, words, operation, after, *frames, words) < 0:
                return FULL
            _pay(room, item, words)
            item = room.item_next[item]
        _close(room, room.head[after])
        _settle(room, pops[0], pops[1])
    for group in range(plans.groups[plan], plans.groups[plan + 1]):
        number = room.record_groups[record] + group - plans.groups[plan]
        head, found = room.group_head[number], False
        if head < 0:
            continue
        for arc in range(plans.group_arcs[group], plans.group_arcs[group + 1]):
            node = plans.arc_node[arc]
            if room.head[node] >= 0 and _meet(tables, room, head, words, node):
                found = True
                for own in range(plans.arc_classes[arc], plans.arc_classes[arc + 1]):
                    alive[plans.arc_class[own]] = True
        if not found:
            continue
        _open(room, head)
        crowd = room.record_crowds[record] + plans.group_crowd[group]
        item, own_words = room.crowd_head[crowd], room.crowd_words[crowd]
        while item >= 0:
            frames = room.group_first[number], room.group_last[number]
            operation = plans.group_operation[group]
            if _retreat(tables, room, item, own_words, operation, -1, *frames, words) < 0:
                return FULL
            item = room.item_next[item]
        _close(room, head)
    _disperse(plans, room, record, plan, source_words)
    for silent in range(plans.silents[plan], plans.silents[plan + 1]):
        item, node = room.entry[plans.silent_from[silent]], plans.silent_to[silent]
        if item < 0 or room.head[node] < 0:
            continue
        if _meet(tables, room, item, source_words, node):
            for own in range(plans.silent_classes[silent], plans.silent_classes[silent + 1]):
                alive[plans.silent_class[own]] = True
    _settle(room, pops[0], pops[1])
    for pop in range(pops[0], pops[1]):
        room.pop_head[room.pop_symbol[pop]] = -1
    _enter(tables, room, source, False)
    for number in range(first, last):
        room.head[room.list_node[number]] = -1
    return 0


@njit(cache=True, nogil=True)
def backward(tables, plans, room, plan_of, source_of, alive):
    """The classes alive in each record, behind `forward` and `accepts`; 0, or FULL."""
    for record in range(len(plan_of) - 1, 0, -1):
        told = _backward(
            tables, plans, room, record, source_of[record], plan_of[record], alive[record]
        )
        if told < 0:
            return told
    return 0
