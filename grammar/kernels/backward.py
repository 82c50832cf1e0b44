"""The pass from the right: what of it can be completed, and which classes that takes.

A good row that is all of what can be reached is the very row of the pass from the left.
"""

from collections import namedtuple

import numpy as np

from grammar.loading import borrowing, inlined_borrowing, kernel

from .frames import close, recall
from .layers import accept, class_of, enter, most_words, row_of
from .rows import ONE, ZERO, clear, equal, fill, has_bit, join_into, overlap, some
from .tables import ANY, POP, PUSH

DEAD, WHOLE, PART = 0, 1, 2
"""How much of a node's row is good."""

Told = namedtuple("Told", "full seen marks verdict alive counts kinds present")
"""What is known of sources: which are `full`, all of their row good, and the sets `seen` for that.
Of rows, by number, `marks` the span that they were looked at for last, and the `verdict`. Of holes:
the effects `alive`, how many each class has (`counts`), the `kinds` of spans, and the states
`present`, the number of these last."""


@inlined_borrowing
def _step(tables, room, frames, inner, row, frame, good, whole, words, into):
    """What of an inner node's row is good, by what is good of its future; `whole`: all of it.

    The row, -1 for none, -2 where the room is too small.
    """
    arena, operation = room.arena, tables.operation[inner]
    narrow, wide = words
    if operation == PUSH:
        if not has_bit(arena, good, frame):
            return -1
        if has_bit(frames.closed, 0, frame):
            return row
        clear(arena, into, wide)
        recall(tables, room, frames, frame, tables.symbol[inner], into)
    elif whole:
        if operation == POP:
            join_into(frames.closed, arena, row, narrow)
        return row
    else:
        clear(arena, into, wide)
        if operation != POP:
            fill(arena, into, row, good, narrow)
        elif not close(
            room, frames, tables.pop[inner], tables.symbol[inner], row, narrow, good, into
        ):
            return -2
    if equal(arena, into, row, wide):
        return row
    return into if some(arena, into, wide) else -1


@inlined_borrowing
def _revise(tables, room, layer, at, reached, frames, top):
    """The good rows of a layer's inner nodes, from those of its states; written from `top` on.

    False where the room is too small.
    """
    states, open_bits = tables.finals.shape[0], frames.open_bits
    narrow, wide, frame = room.width[layer - 1], room.width[layer], room.frames[layer]
    open_bits[wide - 1 :] = ZERO
    open_bits[wide - 1] = ~ZERO >> np.uint64(64 * wide - frame)
    for item in range(room.states[layer] - 1, room.begins[layer] - 1, -1):
        node, row = room.item_node[item], room.item_row[item]
        inner, reached[node] = node - states, row
        frame -= tables.operation[inner] == PUSH
        future = tables.future[inner]
        good = at[future]
        if good < 0:
            continue
        whole = good == reached[future] and tables.takes_all[future]
        own = _step(tables, room, frames, inner, row, frame, good, whole, (narrow, wide), top)
        if own == -2:
            return False
        at[node] = own
        if own == top:
            top += wide
    return True


@inlined_borrowing
def _whole(tables, name, layer, at, reached, here, told):
    """Marks the sources of nodes all of whose row is good; each set of them once."""
    for span in range(tables.class_spans[name], tables.class_spans[name + 1]):
        node, own = tables.span_node[span], tables.span_set[span]
        if at[node] < 0 or at[node] != reached[node] or told.seen[own] == layer:
            continue
        if tables.takes_all[node]:
            told.seen[own] = layer
            for k in range(tables.set_begins[own], tables.set_begins[own + 1]):
                source = tables.set_sources[k]
                told.full[source] |= here[source] >= 0


@inlined_borrowing
def _same_states(room, layer, told):
    """Whether a layer has the states of the last layer that this was asked of."""
    count = room.begins[layer + 1] - room.states[layer]
    same, told.present[-1] = count == told.present[-1], count
    for item in range(room.states[layer], room.begins[layer + 1]):
        same &= told.present[room.item_node[item]] > 0
    if not same:
        told.present[:-1] = 0
        for item in range(room.states[layer], room.begins[layer + 1]):
            told.present[room.item_node[item]] = 1
    return same


@inlined_borrowing
def _meets(arena, row, number, good, source, span, before, told, words, top):
    """Whether a source has a good frame, which is added to those `before`; the end of the arena.

    Of a source whose row is good throughout nothing more is asked.
    """
    if told.marks[number] != span:
        told.marks[number] = span
        told.verdict[number] = overlap(arena, row, good, words)
    if told.verdict[number] and not told.full[source]:
        into, top = row_of(arena, before, source, words, top)
        told.full[source] = fill(arena, into, row, good, words)
    return told.verdict[number], top


@inlined_borrowing
def _tell(tables, effect, answer, told):
    """Counts the classes of an effect that is alive now, or not any more."""
    told.alive[effect] = answer
    for k in range(tables.effect_begins[effect], tables.effect_begins[effect + 1]):
        told.counts[tables.effect_classes[k]] += 1 if answer else -1


@inlined_borrowing
def _sources(tables, room, name, hole, same, at, reached, here, ids, before, told, words, top):
    """The good rows of the sources of effects, in `before`, and whether an effect is alive.

    At a hole the effects of each class that are alive are counted; what is as it was at the last
    hole is not counted again, for which `same` tells whether that had the same states.
    """
    arena, effect, first, found = room.arena, 0, tables.class_spans[name], False
    for span in range(first, tables.class_spans[name + 1]):
        node, own = tables.span_node[span], tables.span_set[span]
        good, kind = at[node], DEAD
        if good >= 0:
            kind = WHOLE if good == reached[node] and tables.takes_all[node] else PART
        begin, end = tables.set_begins[own], tables.set_begins[own + 1]
        if hole:
            known, told.kinds[span - first] = told.kinds[span - first], kind
            if kind == known and (kind == DEAD or (kind == WHOLE and same)):
                effect += end - begin
                continue
        for k in range(begin, end):
            source = tables.set_sources[k]
            row = here[source]
            answer = kind == WHOLE and row >= 0
            if kind == PART and row >= 0:
                answer, top = _meets(
                    arena, row, ids[source], good, source, span, before, told, words, top
                )
            found |= answer
            if hole and answer != told.alive[effect]:
                _tell(tables, effect, answer, told)
            effect += 1
    return found


@inlined_borrowing
def _retreat(tables, room, layer, hole, name, at, reached, here, ids, before, told, top):
    """The good rows of a layer's states, from those of the next layer's nodes.

    Whether a token of the class may stand between.
    """
    _whole(tables, name, layer, at, reached, here, told)
    same = hole and _same_states(room, layer, told)
    words = room.width[layer]
    found = _sources(
        tables, room, name, hole, same, at, reached, here, ids, before, told, words, top
    )
    for item in range(room.states[layer], room.begins[layer + 1]):
        state = room.item_node[item]
        if told.full[state]:
            before[state], told.full[state] = room.item_row[item], False
        told.marks[ids[state]] = -1
    return found


@kernel
def _nothing_told(tables, classes):
    states, effects = tables.finals.shape[0], tables.effect_begins.shape[0] - 1
    return Told(
        np.zeros(states, np.bool_),
        np.full(tables.set_begins.shape[0], -1, np.int64),
        np.full(states, -1, np.int64),
        np.zeros(states, np.bool_),
        np.zeros(effects, np.bool_),
        np.zeros(classes, np.int64),
        np.zeros(states + tables.operation.shape[0], np.int64),
        np.zeros(states + 1, np.int64),
    )


@borrowing
def _run(tables, room, cells, frames, must_stop, tail, begin, nodes, told, out):
    """`run_backward`, where nothing is made anew."""
    length, classes, size = cells.shape[0], out.shape[1] - 1, most_words(room, cells.shape[0])
    here, at, before, reached, ids = nodes
    if not must_stop:
        accept(tables, room, length, at, begin)
    enter(room, length, room.item_row, reached)
    for layer in range(length - 1, -1, -1):
        cell, hole = cells[layer], cells[layer] == ANY
        # The good rows of two layers take turns in two places; a layer's inner ones are between.
        place = begin + 2 * size * ((length - layer) & 1)
        if not _revise(tables, room, layer + 1, at, reached, frames, begin + size):
            return -1
        enter(room, layer, room.item_row, here)
        enter(room, layer, room.item_id, ids)
        if layer >= tail:
            place = accept(tables, room, layer, before, place)
        name = class_of(tables, cell)
        found = _retreat(
            tables, room, layer, hole, name, at, reached, here, ids, before, told, place
        )
        if hole:
            for own in range(classes):
                out[layer, own] = told.counts[own] > 0
        elif found:
            out[layer, cell] = True
        for item in range(room.begins[layer + 1], room.begins[layer + 2]):
            at[room.item_node[item]] = reached[room.item_node[item]] = -1
        at, before, here, reached = before, at, reached, here
    return int(at[tables.start] >= 0 and room.arena[at[tables.start]] & ONE != ZERO)


@kernel
def run_backward(tables, room, cells, frames, must_stop, tail, top, out):
    """What of it can be completed. 1 if all of it can, 0 if not, -1 if the room is too small."""
    size = tables.takes_all.shape[0]
    nodes = (
        np.full(size, -1),
        np.full(size, -1),
        np.full(size, -1),
        np.full(size, -1),
        np.full(size, -1),
    )
    told = _nothing_told(tables, out.shape[1] - 1)
    return _run(tables, room, cells, frames, must_stop, tail, top, nodes, told, out)
