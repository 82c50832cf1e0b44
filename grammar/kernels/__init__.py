"""`grammar.pushdown`'s two passes over plain arrays, compiled by numba.

The same algorithm, with rows of 64-bit words in one arena. As there, a push makes a frame of its
own at every layer: two pushes of a layer must not share one, even with the same return point above
the same parents, because what closes the one well need not close the other.

An end of a token and the state that it leads to are one node here, numbered by the state; inner
nodes come behind, futures first. A layer is a list of nodes with their rows: inner ones, falling,
then states. Rows are as wide as the frames known at their layer need, and zero beyond.

No annotations: this file is loaded past the import hook of run-time type checkers, see
`grammar.loading`.
"""

from collections import namedtuple

import numpy as np

from grammar.loading import kernel

POP, PUSH, TEST = 1, 2, 3
ANY, STOP = -1, -2
ONE, ZERO = np.uint64(1), np.uint64(0)
LOW, SIX = np.uint64(63), np.uint64(6)
MAGIC, SHIFT = np.uint64(0x03F79D71B4CB0A89), np.uint64(58)

Tables = namedtuple(
    "Tables",
    "finals start source_begins effect_source effect_node class_begins class_effects"
    " operation symbol future pop pop_begins symbols",
)
"""A machine and its classes, `grammar.native.build_tables`'s."""

Room = namedtuple(
    "Room",
    "arena item_node item_row frame_symbol frame_row frame_closed frame_first frame_size"
    " begins states width frames",
)
"""Where the passes write. Items are nodes of layers; `begins`, `states` (of each layer, where its
items and where the states among them begin), `width` and `frames` are of each layer."""


def _bit_numbers():
    table = np.zeros(64, np.int64)
    for bit in range(64):
        table[((0x03F79D71B4CB0A89 << bit) & (2**64 - 1)) >> 58] = bit
    return table


BIT = _bit_numbers()
"""De Bruijn's table: the number of a word's only bit."""


@kernel
def _number(low):
    return BIT[(low * MAGIC) >> SHIFT]


@kernel
def _has(arena, row, frame):
    return (arena[row + (frame >> 6)] >> np.uint64(frame & 63)) & ONE != ZERO


@kernel
def _set(arena, row, frame):
    arena[row + (frame >> 6)] |= ONE << np.uint64(frame & 63)


@kernel
def _clear(arena, row, words):
    arena[row : row + words] = ZERO


@kernel
def _some(arena, row, words):
    for w in range(words):  # noqa: SIM110  (numba knows no generators here)
        if arena[row + w] != ZERO:
            return True
    return False


# Slices below tell LLVM that no index is negative, so that it makes vector code of the loops.


@kernel
def _join(arena, into, row, words):
    joined, more = arena[into : into + words], arena[row : row + words]
    for w in range(words):
        joined[w] |= more[w]


@kernel
def _join_meet(arena, into, left, right, words):
    """The intersection of two rows into a third."""
    joined = arena[into : into + words]
    one, other = arena[left : left + words], arena[right : right + words]
    for w in range(words):
        joined[w] |= one[w] & other[w]


@kernel
def _fill(arena, into, row, good, words):
    """As `_join_meet`, and whether all of the row is in now."""
    filled, missing = arena[into : into + words], ZERO
    one, other = arena[row : row + words], arena[good : good + words]
    for w in range(words):
        word = filled[w] | (one[w] & other[w])
        filled[w] = word
        missing |= one[w] & ~word
    return missing == ZERO


@kernel
def _overlap(arena, left, right, words):
    for w in range(words):  # noqa: SIM110
        if arena[left + w] & arena[right + w] != ZERO:
            return True
    return False


@kernel
def _active(tables, room, layer, here, cell, active):
    """The effects of a cell whose source is in the layer, and how many."""
    number = 0
    if cell == ANY:
        for item in range(room.states[layer], room.begins[layer + 1]):
            state = room.item_node[item]
            for effect in range(tables.source_begins[state], tables.source_begins[state + 1]):
                active[number] = effect
                number += 1
    elif cell >= 0:
        for k in range(tables.class_begins[cell], tables.class_begins[cell + 1]):
            effect = tables.class_effects[k]
            if here[tables.effect_source[effect]] >= 0:
                active[number] = effect
                number += 1
    return number


@kernel
def _enter(room, layer, here):
    """The rows of a layer's states, by state."""
    for item in range(room.states[layer], room.begins[layer + 1]):
        here[room.item_node[item]] = room.item_row[item]


@kernel
def _leave(room, layer, here):
    for item in range(room.states[layer], room.begins[layer + 1]):
        here[room.item_node[item]] = -1


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
def _pop(room, kept, kept_bits, of_symbol, row, words, into, top):
    """The parents of the frames of a row, those of one symbol, into another row.

    `kept` are the rows of the parents of each word's frames as they were at the last layer, and
    `kept_bits` those frames. Mostly it is the same ones again, or a few more. The end of the arena.
    """
    arena = room.arena
    for w in range(words):
        bits = arena[row + w] & of_symbol[w]
        if bits == ZERO:
            continue
        if kept[w] == 0:
            if top + w >= arena.shape[0]:
                return -1
            kept[w], top = top, top + w + 1
            _clear(arena, kept[w], w + 1)
        fresh = bits & ~kept_bits[w]
        if kept_bits[w] & ~bits != ZERO:
            _clear(arena, kept[w], w + 1)
            fresh = bits
        kept_bits[w] = bits
        while fresh != ZERO:
            low = fresh & (~fresh + ONE)
            fresh ^= low
            frame = 64 * w + _number(low)
            first, size = room.frame_first[frame], room.frame_size[frame]
            _join(arena, kept[w] + first, room.frame_row[frame] + first, size)
        _join(arena, into, kept[w], w + 1)
    return top


@kernel
def _operate(tables, room, layer, at, of_symbol, kept, kept_bits, top):
    """The rows of a layer's nodes, from those of the effects on. The end of the arena."""
    arena, states = room.arena, tables.finals.shape[0]
    wide, narrow, frame = room.width[layer], room.width[layer - 1], room.frames[layer - 1]
    for item in range(room.begins[layer], room.states[layer]):
        inner, row = room.item_node[item] - states, room.item_row[item]
        g, into, pop = tables.symbol[inner], at[tables.future[inner]], tables.pop[inner]
        if tables.operation[inner] == POP:
            top = _pop(room, kept[pop], kept_bits[pop], of_symbol[g], row, narrow, into, top)
            if top < 0:
                return -1
        elif tables.operation[inner] == TEST:
            for w in range(narrow):
                arena[into + w] |= arena[row + w] & of_symbol[g, w]
        else:
            room.frame_symbol[frame], room.frame_row[frame] = g, row
            if _some(arena, row, wide):
                _set(arena, into, frame)
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
        if _some(room.arena, room.item_row[item], room.width[layer]):
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
def _forward(tables, room, cells):
    """What can be reached. The end of the arena, -1 if the room is too small; frames by symbol."""
    arena, nodes = room.arena, tables.finals.shape[0] + tables.operation.shape[0]
    here, at = np.full(nodes, -1, np.int64), np.full(nodes, -1, np.int64)
    marked, ends = np.zeros(nodes, np.bool_), np.empty(nodes, np.int64)
    active = np.empty(tables.effect_node.shape[0], np.int64)
    of_symbol, pops = np.zeros((tables.symbols, 4), np.uint64), tables.pop_begins[-1]
    kept, kept_bits = np.zeros((pops, 4), np.int64), np.zeros((pops, 4), np.uint64)
    arena[0], top = ONE, 1
    room.item_node[0], room.item_row[0] = tables.start, 0
    room.begins[0], room.states[0], room.begins[1] = 0, 0, 1
    room.frames[0], room.width[0] = 1, 1
    for layer in range(1, cells.shape[0] + 1):
        if room.begins[layer] + nodes > room.item_node.shape[0]:
            return -1, of_symbol
        _enter(room, layer - 1, here)
        number = _active(tables, room, layer - 1, here, cells[layer - 1], active)
        _discover(tables, room, layer, active, number, marked, ends)
        wide, narrow = room.width[layer], room.width[layer - 1]
        need = top + wide * (room.begins[layer + 1] - room.begins[layer])
        if need > arena.shape[0] or room.frames[layer] > room.frame_row.shape[0]:
            return -1, of_symbol
        of_symbol = _wider(of_symbol, wide)
        kept, kept_bits = _wider(kept, wide), _wider(kept_bits, wide)
        _clear(arena, top, need - top)
        for item in range(room.begins[layer], room.begins[layer + 1]):
            room.item_row[item] = at[room.item_node[item]] = top
            top += wide
        for k in range(number):
            effect = active[k]
            into = at[tables.effect_node[effect]]
            _join(arena, into, here[tables.effect_source[effect]], narrow)
        top = _operate(tables, room, layer, at, of_symbol, kept, kept_bits, top)
        if top < 0:
            return -1, of_symbol
        _register(room, layer, of_symbol)
        _leave(room, layer - 1, here)
        _keep_states(room, layer)
    return top, of_symbol


@kernel
def _hits(room, bits, w, good, common):
    """Which frames of a word have a good parent: all if one that they have in common is good."""
    if _overlap(room.arena, common, good, w + 1):
        return bits
    hits = ZERO
    while bits != ZERO:
        low = bits & (~bits + ONE)
        bits ^= low
        frame = 64 * w + _number(low)
        first, size = room.frame_first[frame], room.frame_size[frame]
        if _overlap(room.arena, room.frame_row[frame] + first, good + first, size):
            hits |= low
    return hits


@kernel
def _settle(room, bits, w, kept):
    """Tells the frames of a word what was kept for all of them."""
    while bits != ZERO:
        low = bits & (~bits + ONE)
        bits ^= low
        frame = 64 * w + _number(low)
        first, size = room.frame_first[frame], room.frame_size[frame]
        closed, row = room.frame_closed[frame] + first, room.frame_row[frame] + first
        _join_meet(room.arena, closed, row, kept + first, size)


@kernel
def _close(room, kept, kept_bits, open_bits, of_symbol, common, row, words, good, into):
    """The frames of a row with a good parent into another, each is to remember which.

    What they are to remember is `kept` once a word, as long as it is for the same frames
    (`kept_bits`). Frames of later layers' pushes, not of `open_bits`, have been told.
    """
    arena = room.arena
    for w in range(words):
        bits = arena[row + w] & of_symbol[w]
        if bits == ZERO:
            continue
        hits = _hits(room, bits, w, good, common[w])
        arena[into + w] = hits
        if hits == ZERO:
            continue
        had = kept_bits[w] & open_bits[w]
        if bits & ~had != ZERO:
            _settle(room, had, w, kept[w])
            _clear(arena, kept[w], w + 1)
        else:
            _settle(room, had & ~bits, w, kept[w])
        kept_bits[w] = bits
        _join(arena, kept[w], good, w + 1)


@kernel
def _recall(tables, room, frame, g, kept, kept_bits):
    """All that a frame is to remember, when it comes to its push."""
    w, bit = frame >> 6, ONE << np.uint64(frame & 63)
    for pop in range(tables.pop_begins[g], tables.pop_begins[g + 1]):
        if kept_bits[pop, w] & bit != ZERO:
            _settle(room, bit, w, kept[pop, w])


@kernel
def _revise(tables, room, layer, at, frames, top):
    """The good rows of a layer's inner nodes, from those of its states; written from `top` on."""
    of_symbol, common, kept, kept_bits, open_bits = frames
    arena, states = room.arena, tables.finals.shape[0]
    wide, narrow, frame = room.width[layer], room.width[layer - 1], room.frames[layer]
    open_bits[wide - 1 :] = ZERO
    open_bits[wide - 1] = ~ZERO >> np.uint64(64 * wide - frame)
    for item in range(room.states[layer] - 1, room.begins[layer] - 1, -1):
        inner, row = room.item_node[item] - states, room.item_row[item]
        operation, g, pop = tables.operation[inner], tables.symbol[inner], tables.pop[inner]
        frame -= operation == PUSH
        good = at[tables.future[inner]]
        if good < 0:
            continue
        _clear(arena, top, wide)
        if operation == POP:
            own, bits, of, shared = kept[pop], kept_bits[pop], of_symbol[g], common[g]
            _close(room, own, bits, open_bits, of, shared, row, narrow, good, top)
        elif operation == TEST:
            for w in range(narrow):
                arena[top + w] = arena[row + w] & of_symbol[g, w] & arena[good + w]
        elif _has(arena, good, frame):
            _recall(tables, room, frame, g, kept, kept_bits)
            _join_meet(arena, top, row, room.frame_closed[frame], (frame >> 6) + 1)
        if _some(arena, top, wide):
            at[room.item_node[item]] = top
            top += wide


@kernel
def _row(arena, at, node, words, top):
    """The row of a node, an empty one if it has none yet, and the end of the arena."""
    if at[node] < 0:
        at[node] = top
        _clear(arena, top, words)
        top += words
    return at[node], top


@kernel
def _sources(tables, room, here, at, before, words, active, number, alive, full, top):
    """Which effects are alive, and the good rows of their sources, in `before`."""
    arena = room.arena
    for k in range(number):
        effect = active[k]
        good = at[tables.effect_node[effect]]
        if good < 0:
            continue
        source = tables.effect_source[effect]
        if _overlap(arena, here[source], good, words):
            alive[effect] = True
            if not full[source]:
                into, top = _row(arena, before, source, words, top)
                full[source] = _fill(arena, into, here[source], good, words)
    for k in range(number):
        full[tables.effect_source[active[k]]] = False
    return top


@kernel
def _accept(tables, room, layer, at, top):
    """Makes the states good in which a text may end with the layer."""
    for item in range(room.states[layer], room.begins[layer + 1]):
        state = room.item_node[item]
        if tables.finals[state] and room.arena[room.item_row[item]] & ONE != ZERO:
            row, top = _row(room.arena, at, state, room.width[layer], top)
            room.arena[row] |= ONE
    return top


@kernel
def _accepts(tables, room, layer):
    for item in range(room.states[layer], room.begins[layer + 1]):
        if tables.finals[room.item_node[item]] and room.arena[room.item_row[item]] & ONE != ZERO:
            return True
    return False


@kernel
def _classes_alive(tables, cell, active, number, alive, out):
    """The classes of a cell with an effect alive; forgets the effects."""
    first, last = (0, out.shape[0] - 1) if cell == ANY else (cell, cell + 1)
    for name in range(first, last):
        for k in range(tables.class_begins[name], tables.class_begins[name + 1]):
            if alive[tables.class_effects[k]]:
                out[name] = True
                break
    for k in range(number):
        alive[active[k]] = False


@kernel
def _largest(room, length):
    """The most words that the rows of one layer have."""
    most = 0
    for layer in range(length + 1):
        most = max(most, room.width[layer] * (room.begins[layer + 1] - room.begins[layer] + 1))
    return most


@kernel
def _lay_out(rows, words, top):
    """Places for rows of each word's frames, which are no wider than up to the word."""
    for number in range(rows.shape[0]):
        for w in range(words):
            rows[number, w] = top
            top += w + 1
    return top


@kernel
def _prepare(room, length, common, kept, top):
    """Rows for what closes frames, and the parents that the frames of a word have in common.

    Where the good rows go, -1 if the room is too small.
    """
    arena, words = room.arena, room.width[length]
    need = (64 + common.shape[0] + kept.shape[0]) * (words + 1) * words // 2
    if top + need + 3 * _largest(room, length) > arena.shape[0]:
        return -1
    begin = top
    for frame in range(1, room.frames[length]):
        room.frame_closed[frame] = top
        top += (frame >> 6) + 1
    _clear(arena, begin, top - begin)
    begin, top = top, _lay_out(common, words, top)
    arena[begin:top] = ~ZERO
    for frame in range(1, room.frames[length]):
        w, row = frame >> 6, room.frame_row[frame]
        into = common[room.frame_symbol[frame], w]
        for v in range(w + 1 if room.frame_size[frame] else 0):
            arena[into + v] &= arena[row + v]
    return _lay_out(kept, words, top)


@kernel
def _tail(cells, can_stop):
    """The first layer from which on nothing but stop tokens, or holes for them, stand."""
    layer = cells.shape[0]
    while can_stop and layer and (cells[layer - 1] == ANY or cells[layer - 1] == STOP):
        layer -= 1
    return layer


@kernel
def _backward(tables, room, cells, frames, must_stop, tail, top, out):
    """What of it can be completed; whether all of it can."""
    length, begin = cells.shape[0], top
    nodes, size = tables.finals.shape[0] + tables.operation.shape[0], _largest(room, length)
    here, at = np.full(nodes, -1, np.int64), np.full(nodes, -1, np.int64)
    before, alive = np.full(nodes, -1, np.int64), np.zeros(tables.effect_node.shape[0], np.bool_)
    active, full = np.empty(alive.shape[0], np.int64), np.zeros(nodes, np.bool_)
    if not must_stop:
        _accept(tables, room, length, at, begin)
    for layer in range(length, 0, -1):
        cell, words = cells[layer - 1], room.width[layer - 1]
        # The good rows of two layers take turns in two places; a layer's inner ones are between.
        place = begin + 2 * size * ((length - layer + 1) & 1)
        _revise(tables, room, layer, at, frames, begin + size)
        _enter(room, layer - 1, here)
        number = _active(tables, room, layer - 1, here, cell, active)
        place = _sources(tables, room, here, at, before, words, active, number, alive, full, place)
        if number:
            _classes_alive(tables, cell, active, number, alive, out[layer - 1])
        if layer - 1 >= tail:
            _accept(tables, room, layer - 1, before, place)
        _leave(room, layer - 1, here)
        for item in range(room.begins[layer], room.begins[layer + 1]):
            at[room.item_node[item]] = -1
        at, before = before, at
    return at[tables.start] >= 0 and room.arena[at[tables.start]] & ONE != ZERO


@kernel
def _stops(tables, room, tail, out):
    """Where a stop token may stand: from the first layer of the tail on that may end a text."""
    last = out.shape[1] - 1
    for layer in range(tail, out.shape[0]):
        if _accepts(tables, room, layer):
            out[layer:, last] = True
            return


@kernel
def solve(tables, room, cells, must_stop, can_stop, out):
    """Fills `out` `[length, classes + 1]`, all false at first.

    1 if the canvas has a filling, 0 if not, -1 if the room is too small. `cells`, `must_stop` and
    `can_stop` are `grammar.pushdown.solve`'s.
    """
    tail = _tail(cells, can_stop)
    top, of_symbol = _forward(tables, room, cells)
    if top < 0:
        return -1
    words, pops = room.width[cells.shape[0]], tables.pop_begins[-1]
    common = np.zeros((tables.symbols, words), np.int64)
    kept, kept_bits = np.zeros((pops, words), np.int64), np.zeros((pops, words), np.uint64)
    top = _prepare(room, cells.shape[0], common, kept, top)
    if top < 0:
        return -1
    open_bits = np.full(words, ~ZERO, np.uint64)
    frames = (of_symbol, common, kept, kept_bits, open_bits)
    _stops(tables, room, tail, out)
    feasible = _backward(tables, room, cells, frames, must_stop, tail, top, out)
    if not feasible:
        out[:] = False
    return 1 if feasible else 0
