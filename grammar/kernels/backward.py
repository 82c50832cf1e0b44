"""The pass from the right: what of it can be completed, and which classes that takes."""

import numpy as np

from grammar.loading import kernel

from .frames import close, recall
from .layers import accept, effects_of, enter, leave, most_words, row_of
from .rows import ONE, ZERO, clear, fill, has_bit, join_meet, overlap, some
from .tables import ANY, POP, PUSH, TEST


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
        clear(arena, top, wide)
        if operation == POP:
            own, bits, of, shared = kept[pop], kept_bits[pop], of_symbol[g], common[g]
            close(room, own, bits, open_bits, of, shared, row, narrow, good, top)
        elif operation == TEST:
            for w in range(narrow):
                arena[top + w] = arena[row + w] & of_symbol[g, w] & arena[good + w]
        elif has_bit(arena, good, frame):
            recall(tables, room, frame, g, kept, kept_bits)
            join_meet(arena, top, row, room.frame_closed[frame], (frame >> 6) + 1)
        if some(arena, top, wide):
            at[room.item_node[item]] = top
            top += wide


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
        if overlap(arena, here[source], good, words):
            alive[effect] = True
            if not full[source]:
                into, top = row_of(arena, before, source, words, top)
                full[source] = fill(arena, into, here[source], good, words)
    for k in range(number):
        full[tables.effect_source[active[k]]] = False
    return top


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
def run_backward(tables, room, cells, frames, must_stop, tail, top, out):
    """What of it can be completed; whether all of it can."""
    length, begin = cells.shape[0], top
    nodes, size = tables.finals.shape[0] + tables.operation.shape[0], most_words(room, length)
    here, at = np.full(nodes, -1, np.int64), np.full(nodes, -1, np.int64)
    before, alive = np.full(nodes, -1, np.int64), np.zeros(tables.effect_node.shape[0], np.bool_)
    active, full = np.empty(alive.shape[0], np.int64), np.zeros(nodes, np.bool_)
    if not must_stop:
        accept(tables, room, length, at, begin)
    for layer in range(length, 0, -1):
        cell, words = cells[layer - 1], room.width[layer - 1]
        # The good rows of two layers take turns in two places; a layer's inner ones are between.
        place = begin + 2 * size * ((length - layer + 1) & 1)
        _revise(tables, room, layer, at, frames, begin + size)
        enter(room, layer - 1, here)
        number = effects_of(tables, room, layer - 1, here, cell, active)
        place = _sources(tables, room, here, at, before, words, active, number, alive, full, place)
        if number:
            _classes_alive(tables, cell, active, number, alive, out[layer - 1])
        if layer - 1 >= tail:
            accept(tables, room, layer - 1, before, place)
        leave(room, layer - 1, here)
        for item in range(room.begins[layer], room.begins[layer + 1]):
            at[room.item_node[item]] = -1
        at, before = before, at
    return at[tables.start] >= 0 and room.arena[at[tables.start]] & ONE != ZERO
