"""The pass from the left: what can be reached. A layer's rows follow those of the one before."""

import numpy as np

from grammar.loading import borrowing, inlined_borrowing, kernel

from .layers import class_of
from .pops import find_parents, make_memory, widen
from .rows import ONE, ZERO, clear, copy, copy_from, set_bit
from .sets import enter_sets, make_sets, row_of_set
from .shared import (
    COUNTERS,
    FRAMES,
    RESULT,
    ROW,
    TOP,
    UNKNOWN,
    VERSION,
    begin_layer,
    end_layer,
    joined,
    keep,
    make_shelf,
    masked,
    pair,
)
from .tables import POP, PUSH

NO_SET = -1
"""The set of a node that other nodes alone lead to."""


@borrowing
def _reached(begins, sources, number, here):
    """Whether a state of a set is in the layer."""
    for k in range(begins[number], begins[number + 1]):  # noqa: SIM110
        if here[sources[k]] >= 0:
            return True
    return False


@inlined_borrowing
def _discover(tables, room, layer, name, here, set_of):
    """Lists the inner nodes that a class may lead to, falling.

    The end of the list, how many of them push and how many pop.
    """
    states, end, pushes, pops = tables.finals.shape[0], room.begins[layer], 0, 0
    highest = -1
    for span in range(tables.class_spans[name], tables.class_spans[name + 1]):
        node = tables.span_node[span]
        if node < states:
            break
        if _reached(tables.set_begins, tables.set_sources, tables.span_set[span], here):
            set_of[node] = tables.span_set[span]
            highest = max(highest, node)
    for node in range(highest, states - 1, -1):
        if set_of[node] == UNKNOWN:
            continue
        room.item_node[end] = node
        end += 1
        pushes += tables.operation[node - states] == PUSH
        pops += tables.operation[node - states] == POP
        future = tables.future[node - states]
        if future >= states and set_of[future] == UNKNOWN:
            set_of[future] = NO_SET
    return end, pushes, pops


@borrowing
def _popped(arena, frames, shelf, symbols, memory, number, pop, narrow, words):
    """The parents of the frames of a row that is `masked`, by number."""
    if number < 0:
        return -1
    place = pair(shelf, number, -1 - symbols)
    if shelf[RESULT, place] == UNKNOWN:
        find_parents(arena, frames, shelf, memory, pop, shelf[ROW, number], narrow)
        top = shelf[COUNTERS, TOP]
        clear(arena, top, words)
        copy_from(arena, top, memory[3][pop], narrow)
        shelf[RESULT, place] = keep(arena, shelf, words)
    return shelf[RESULT, place]


@borrowing
def _push(arena, shelf, number, words):
    """A row with a new frame, by number."""
    frame, top = shelf[COUNTERS, FRAMES], shelf[COUNTERS, TOP]
    shelf[COUNTERS, FRAMES] = frame + 1
    if number < 0:
        clear(arena, top, words)
    else:
        copy(arena, top, shelf[ROW, number], words)
    set_bit(arena, top, frame)
    return keep(arena, shelf, words)


@inlined_borrowing
def _operate(tables, room, layer, end, sets, here, version, nodes, of_symbol, memory, shelf):
    """The rows of a layer's inner nodes; what they give to states is `fed` to these.

    The end of the items; how many states are in `ends`.
    """
    states, kept, found = tables.finals.shape[0], room.begins[layer], 0
    set_of, fed, ends = nodes
    arena, wide, narrow = room.arena, room.width[layer], room.width[layer - 1]
    frames = room.frame_row, room.frame_first, room.frame_size
    for item in range(room.begins[layer], end):
        node = room.item_node[item]
        inner, number = node - states, fed[node]
        if set_of[node] != NO_SET:
            own = set_of[node]
            own = row_of_set(sets, arena, shelf, own, layer, here, version, wide)
            number = joined(arena, shelf, own, number, wide)
        fed[node], set_of[node] = -1, UNKNOWN
        operation, g, future = tables.operation[inner], tables.symbol[inner], tables.future[inner]
        if operation != PUSH:
            number = masked(arena, shelf, number, g, of_symbol, wide)
        if number < 0:
            continue
        room.item_node[kept], room.item_row[kept] = node, shelf[ROW, number]
        kept, known = kept + 1, fed[future]
        if future < states and known < 0:
            ends[found] = future
            found += 1
        if operation == PUSH:
            frame = shelf[COUNTERS, FRAMES]
            room.frame_symbol[frame], room.frame_row[frame] = g, shelf[ROW, number]
            fed[future] = _push(arena, shelf, known, wide)
            continue
        if operation == POP:
            pop = tables.pop[inner]
            number = _popped(
                arena, frames, shelf, tables.symbols, memory, number, pop, narrow, wide
            )
        fed[future] = joined(arena, shelf, known, number, wide)
    return kept, found


@inlined_borrowing
def _arrive(tables, room, layer, name, sets, here, version, nodes, found, shelf):
    """The rows of a layer's states. The end of the items."""
    states, end, wide = tables.finals.shape[0], room.states[layer], room.width[layer]
    arena, (_, fed, ends) = room.arena, nodes
    last = tables.class_spans[name + 1]
    for span in range(tables.class_spans[name], last + found):
        if span < last:
            state = tables.span_node[span]
            if state >= states:
                continue
            own = tables.span_set[span]
            own = row_of_set(sets, arena, shelf, own, layer, here, version, wide)
            number = joined(arena, shelf, own, fed[state], wide)
        else:
            state = ends[span - last]
            number = fed[state]
        fed[state] = -1
        if number >= 0:
            room.item_node[end], room.item_id[end] = state, number
            room.item_row[end] = shelf[ROW, number]
            end += 1
    return end


@inlined_borrowing
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


@inlined_borrowing
def _fits(room, shelf, layer, nodes, states, pops):
    """Whether there is room for a layer of a `room.width`."""
    wide, narrow = room.width[layer], room.width[layer - 1]
    rows = 2 * states + 5 * (nodes - states)
    need = shelf[COUNTERS, TOP] + wide * rows + pops * narrow * (narrow + 1) // 2
    return need <= room.arena.shape[0] and 64 * wide <= room.frame_row.shape[0]


@borrowing
def _advance(tables, room, cells, layer, sets, here, nodes, of_symbol, memory, shelf):
    """The layers from one on; the first one without place in `of_symbol`, or -1 without room."""
    states, most = tables.finals.shape[0], tables.takes_all.shape[0]
    while layer <= cells.shape[0]:
        name, narrow = class_of(tables, cells[layer - 1]), room.width[layer - 1]
        if room.begins[layer] + most > room.item_node.shape[0]:
            return -1
        if narrow + 1 + (most - states >> 6) > of_symbol.shape[1]:
            return layer
        version = enter_sets(room, layer - 1, here, sets, shelf[COUNTERS, VERSION])
        shelf[COUNTERS, VERSION] = version
        end, pushes, pops = _discover(tables, room, layer, name, here, nodes[0])
        room.width[layer] = (room.frames[layer - 1] + pushes + 63) >> 6
        if not _fits(room, shelf, layer, most, states, pops):
            return -1
        begin_layer(room.arena, shelf, narrow, room.width[layer])
        room.states[layer], found = _operate(
            tables, room, layer, end, sets, here, version, nodes, of_symbol, memory, shelf
        )
        room.begins[layer + 1] = _arrive(
            tables, room, layer, name, sets, here, version, nodes, found, shelf
        )
        room.frames[layer] = shelf[COUNTERS, FRAMES]
        room.width[layer] = (room.frames[layer] + 63) >> 6
        _register(room, layer, of_symbol)
        end_layer(room, shelf, layer)
        layer += 1
    return layer


@kernel
def run_forward(tables, room, cells):
    """What can be reached. The end of the arena, -1 if the room is too small."""
    states, nodes = tables.finals.shape[0], tables.takes_all.shape[0]
    here, sets = np.full(states, -1, np.int64), make_sets(tables)
    lists = np.full(nodes, UNKNOWN), np.full(nodes, -1), np.empty(nodes, np.int64)
    of_symbol, memory = np.zeros((tables.symbols, 4), np.uint64), make_memory(tables.pop_begins[-1])
    shelf, layer = make_shelf(room.arena, states, nodes), 1
    room.item_node[0], room.item_row[0], room.item_id[0] = tables.start, 0, 0
    room.begins[0], room.states[0], room.begins[1] = 0, 0, 1
    room.frames[0], room.width[0] = 1, 1
    while True:
        layer = _advance(tables, room, cells, layer, sets, here, lists, of_symbol, memory, shelf)
        if layer < 0 or layer > cells.shape[0]:
            return shelf[COUNTERS, TOP] if layer > 0 else -1
        memory, of_symbol = widen(memory, of_symbol)
