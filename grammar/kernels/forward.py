"""The pass from the left: what can be reached. A layer's rows follow those of the one before."""

import numpy as np

from grammar.loading import kernel

from .layers import effects_of, enter, leave
from .rows import ONE, ZERO, bit_number, clear, join, join_into, row_into, set_bit, some
from .tables import POP, PUSH, TEST


@kernel
def _mark(tables, active, number, marked, ends):
    """Marks the nodes that effects lead to; states are listed in `ends`. The highest; how many."""
    states = tables.finals.shape[0]
    highest, found = -1, 0
    for k in range(number):
        node = tables.effect_node[active[k]]
        if not marked[node]:
            marked[node] = True
            if node < states:
                ends[found] = node
                found += 1
            elif node > highest:
                highest = node
    return highest, found


@kernel
def _discover(tables, room, layer, active, number, marked, ends):
    """Lists the nodes of a layer, and gives its pushes their frames."""
    states, end = tables.finals.shape[0], room.begins[layer]
    count = room.frames[layer - 1]
    highest, found = _mark(tables, active, number, marked, ends)
    for node in range(highest, states - 1, -1):
        if not marked[node]:
            continue
        marked[node] = False
        room.item_node[end] = node
        end += 1
        inner = node - states
        count += tables.operation[inner] == PUSH
        future = tables.future[inner]
        if not marked[future]:
            marked[future] = True
            if future < states:
                ends[found] = future
                found += 1
    room.states[layer] = end
    for k in range(found):
        marked[ends[k]] = False
        room.item_node[end] = ends[k]
        end += 1
    room.begins[layer + 1] = end
    room.frames[layer] = count
    room.width[layer] = (count + 63) >> 6


@kernel
def _parents(arena, parents, kept, fresh, w, total):
    """The parents of more frames of a word into two rows."""
    rows, firsts, sizes = parents
    while fresh != ZERO:
        low = fresh & (~fresh + ONE)
        fresh ^= low
        frame = 64 * w + bit_number(low)
        first, size = firsts[frame], sizes[frame]
        join(arena, kept + first, rows[frame] + first, size)
        join_into(total[first:], arena, rows[frame] + first, size)


@kernel
def _total(arena, kept, shown, total, words):
    """Makes the parents of all frames anew, where some were lost."""
    total[:words] = ZERO
    for w in range(words):
        if shown[w]:
            join_into(total, arena, kept[w], w + 1)


@kernel
def _pop(room, memory, pop, of_symbol, row, words, into, top):
    """The parents of the frames of a row, those of one symbol, into another row.

    The memory holds, of each word, the parents of its frames as they were at the last layer, these
    frames, and whether there were any; and the parents of all of them. Mostly it is the same ones
    again, or a few more. The end of the arena.
    """
    arena, kept, kept_bits, shown = room.arena, memory[0][pop], memory[1][pop], memory[2][pop]
    parents = room.frame_row, room.frame_first, room.frame_size
    total, lost = memory[3][pop], False
    for w in range(words):
        bits, known = arena[row + w] & of_symbol[w], kept_bits[w]
        if bits == known and shown[w]:
            continue
        if bits == ZERO or known & ~bits != ZERO:
            lost |= shown[w]
            shown[w] = False
            if bits == ZERO:
                continue
            clear(arena, kept[w], w + 1)
            known = ZERO
        if kept[w] == 0:
            kept[w], top = top, top + w + 1
            clear(arena, kept[w], w + 1)
        _parents(arena, parents, kept[w], bits & ~known, w, total)
        kept_bits[w] = bits
        if not shown[w]:
            shown[w] = True
            join_into(total, arena, kept[w], w + 1)
    if lost:
        _total(arena, kept, shown, total, words)
    row_into(arena, into, total, words)
    return top


@kernel
def _operate(tables, room, layer, at, of_symbol, memory, top):
    """The rows of a layer's nodes, from those of the effects on. The end of the arena."""
    arena, states = room.arena, tables.finals.shape[0]
    wide, narrow, frame = room.width[layer], room.width[layer - 1], room.frames[layer - 1]
    for item in range(room.begins[layer], room.states[layer]):
        inner, row = room.item_node[item] - states, room.item_row[item]
        g, into, pop = tables.symbol[inner], at[tables.future[inner]], tables.pop[inner]
        if tables.operation[inner] == POP:
            if top + narrow * (narrow + 1) // 2 > arena.shape[0]:
                return -1
            top = _pop(room, memory, pop, of_symbol[g], row, narrow, into, top)
        elif tables.operation[inner] == TEST:
            for w in range(narrow):
                arena[into + w] |= arena[row + w] & of_symbol[g, w]
        else:
            room.frame_symbol[frame], room.frame_row[frame] = g, row
            if some(arena, row, wide):
                set_bit(arena, into, frame)
            frame += 1
    return top


@kernel
def _register(room, layer, of_symbol):
    """The new frames of a layer: by symbols, and which words of their rows hold parents."""
    arena = room.arena
    for frame in range(room.frames[layer - 1], room.frames[layer]):
        of_symbol[room.frame_symbol[frame], frame >> 6] |= ONE << np.uint64(frame & 63)
        row, first, end = room.frame_row[frame], 0, (frame >> 6) + 1
        while end > 0 and arena[row + end - 1] == ZERO:
            end -= 1
        while first < end and arena[row + first] == ZERO:
            first += 1
        room.frame_first[frame], room.frame_size[frame] = first, end - first


@kernel
def _keep_states(room, layer):
    """Drops the states of a layer that nothing has reached."""
    end = room.states[layer]
    for item in range(end, room.begins[layer + 1]):
        if some(room.arena, room.item_row[item], room.width[layer]):
            room.item_node[end], room.item_row[end] = room.item_node[item], room.item_row[item]
            end += 1
    room.begins[layer + 1] = end


@kernel
def _wider(rows, words):
    if words <= rows.shape[1]:
        return rows
    wider = np.zeros((rows.shape[0], 2 * words), rows.dtype)
    wider[:, : rows.shape[1]] = rows
    return wider


@kernel
def run_forward(tables, room, cells):
    """What can be reached. The end of the arena, -1 if the room is too small; frames by symbol."""
    arena, nodes = room.arena, tables.finals.shape[0] + tables.operation.shape[0]
    here, at = np.full(nodes, -1, np.int64), np.full(nodes, -1, np.int64)
    marked, ends = np.zeros(nodes, np.bool_), np.empty(nodes, np.int64)
    active = np.empty(tables.effect_node.shape[0], np.int64)
    of_symbol, pops = np.zeros((tables.symbols, 4), np.uint64), tables.pop_begins[-1]
    rows = np.zeros((pops, 4), np.uint64)
    kept, shown = np.zeros((pops, 4), np.int64), np.zeros((pops, 4), np.bool_)
    memory = kept, rows, shown, rows.copy()
    arena[0], top = ONE, 1
    room.item_node[0], room.item_row[0] = tables.start, 0
    room.begins[0], room.states[0], room.begins[1] = 0, 0, 1
    room.frames[0], room.width[0] = 1, 1
    for layer in range(1, cells.shape[0] + 1):
        if room.begins[layer] + nodes > room.item_node.shape[0]:
            return -1, of_symbol
        enter(room, layer - 1, here)
        number = effects_of(tables, room, layer - 1, here, cells[layer - 1], active)
        _discover(tables, room, layer, active, number, marked, ends)
        wide, narrow = room.width[layer], room.width[layer - 1]
        need = top + wide * (room.begins[layer + 1] - room.begins[layer])
        if need > arena.shape[0] or room.frames[layer] > room.frame_row.shape[0]:
            return -1, of_symbol
        of_symbol = _wider(of_symbol, wide)
        kept, shown = _wider(memory[0], wide), _wider(memory[2], wide)
        memory = kept, _wider(memory[1], wide), shown, _wider(memory[3], wide)
        clear(arena, top, need - top)
        for item in range(room.begins[layer], room.begins[layer + 1]):
            room.item_row[item] = at[room.item_node[item]] = top
            top += wide
        for k in range(number):
            effect = active[k]
            into = at[tables.effect_node[effect]]
            join(arena, into, here[tables.effect_source[effect]], narrow)
        top = _operate(tables, room, layer, at, of_symbol, memory, top)
        if top < 0:
            return -1, of_symbol
        _register(room, layer, of_symbol)
        leave(room, layer - 1, here)
        _keep_states(room, layer)
    return top, of_symbol
