"""The pass from the right: what of it can be completed, and which classes that takes."""

import numpy as np

from grammar.loading import kernel

from .frames import close, recall
from .layers import accept, effects_of, enter, leave, most_words, row_of
from .rows import ONE, ZERO, clear, fill, has_bit, join_meet, overlap, some
from .tables import ANY, POP, PUSH, TEST

OPEN, ALIVE, DEAD = 0, 1, 2
"""What is known of an effect."""


@kernel
def _revise(tables, room, layer, at, frames, top):
    """The good rows of a layer's inner nodes, from those of its states; written from `top` on.

    False where the room is too small.
    """
    arena, states, open_bits = room.arena, tables.finals.shape[0], frames.open_bits
    wide, narrow, frame = room.width[layer], room.width[layer - 1], room.frames[layer]
    open_bits[wide - 1 :] = ZERO
    open_bits[wide - 1] = ~ZERO >> np.uint64(64 * wide - frame)
    for item in range(room.states[layer] - 1, room.begins[layer] - 1, -1):
        inner, row = room.item_node[item] - states, room.item_row[item]
        operation, g = tables.operation[inner], tables.symbol[inner]
        frame -= operation == PUSH
        good = at[tables.future[inner]]
        if good < 0:
            continue
        clear(arena, top, wide)
        if operation == POP:
            if not close(room, frames, tables.pop[inner], g, row, narrow, good, top):
                return False
        elif operation == TEST:
            for w in range(narrow):
                arena[top + w] = arena[row + w] & frames.of_symbol[g, w] & arena[good + w]
        elif has_bit(arena, good, frame):
            recall(tables, room, frames, frame, g)
            join_meet(arena, top, row, room.frame_closed[frame], (frame >> 6) + 1)
        if some(arena, top, wide):
            at[room.item_node[item]] = top
            top += wide
    return True


@kernel
def _sources(tables, room, here, at, before, words, active, number, found, full, top):
    """The good rows of the sources of effects, in `before`, and what was `found` of the effects.

    Of a source whose row is good throughout nothing more is asked.
    """
    arena, sources, nodes = room.arena, tables.effect_source, tables.effect_node
    for k in range(number):
        effect = active[k]
        source, good = sources[effect], at[nodes[effect]]
        if good < 0:
            continue
        if full[source]:
            found[effect] = OPEN
        elif overlap(arena, here[source], good, words):
            found[effect] = ALIVE
            into, top = row_of(arena, before, source, words, top)
            full[source] = fill(arena, into, here[source], good, words)
    for k in range(number):
        full[sources[active[k]]] = False
    return top


@kernel
def _classes_alive(tables, room, here, at, words, first, last, found, out):
    """The classes with an effect alive; looks first at what was found."""
    arena, sources, nodes = room.arena, tables.effect_source, tables.effect_node
    begins, effects = tables.class_begins, tables.class_effects
    for name in range(first, last):
        begin, end = begins[name], begins[name + 1]
        k = begin
        while k < end and found[effects[k]] != ALIVE:
            k += 1
        alive, k = k < end, begin
        while not alive and k < end:
            effect = effects[k]
            if found[effect] == OPEN:
                alive = overlap(arena, here[sources[effect]], at[nodes[effect]], words)
                found[effect] = ALIVE if alive else DEAD
            k += 1
        out[name] = alive


@kernel
def run_backward(tables, room, cells, frames, must_stop, tail, top, out):
    """What of it can be completed. 1 if all of it can, 0 if not, -1 if the room is too small."""
    length, begin = cells.shape[0], top
    nodes, size = tables.finals.shape[0] + tables.operation.shape[0], most_words(room, length)
    here, at = np.full(nodes, -1, np.int64), np.full(nodes, -1, np.int64)
    before, found = np.full(nodes, -1, np.int64), np.full(tables.effect_node.shape[0], DEAD)
    active, full = np.empty(found.shape[0], np.int64), np.zeros(nodes, np.bool_)
    if not must_stop:
        accept(tables, room, length, at, begin)
    for layer in range(length, 0, -1):
        cell, words = cells[layer - 1], room.width[layer - 1]
        # The good rows of two layers take turns in two places; a layer's inner ones are between.
        place = begin + 2 * size * ((length - layer + 1) & 1)
        if not _revise(tables, room, layer, at, frames, begin + size):
            return -1
        enter(room, layer - 1, here)
        number = effects_of(tables, room, layer - 1, here, cell, active)
        place = _sources(tables, room, here, at, before, words, active, number, found, full, place)
        if number:
            first, last = (0, out.shape[1] - 1) if cell == ANY else (cell, cell + 1)
            _classes_alive(tables, room, here, at, words, first, last, found, out[layer - 1])
            for k in range(number):
                found[active[k]] = DEAD
        if layer - 1 >= tail:
            accept(tables, room, layer - 1, before, place)
        leave(room, layer - 1, here)
        for item in range(room.begins[layer], room.begins[layer + 1]):
            at[room.item_node[item]] = -1
        at, before = before, at
    return int(at[tables.start] >= 0 and room.arena[at[tables.start]] & ONE != ZERO)
