"""`grammar.pushdown`'s two passes as a loop over plain arrays, compiled by numba.

The same algorithm over rows of 64-bit words. What it adds is economy: a row is as wide as the
frames known at its layer need; only states and nodes that are reached have rows; pushes of one
layer with the same symbol and the same parents share a frame; and where all frames of a symbol up
to some frame are popped together, which is the rule where much is open, it is done at once: forward
by the union of their parents, backward by noting for the symbol what the pop was good for.

No annotations here: this file is loaded past the import hook of run-time type checkers, see
`grammar.native`.
"""

from importlib import import_module

import numpy as np

njit = import_module("numba").njit

POP, PUSH, TEST = 1, 2, 3
ANY, STOP = -1, -2
ONE = np.uint64(1)
ZERO = np.uint64(0)
MAGIC = np.uint64(0x03F79D71B4CB0A89)
SHIFT = np.uint64(58)
ROOTS = 8


def _bit_numbers():
    table = np.zeros(64, np.int64)
    for bit in range(64):
        table[((0x03F79D71B4CB0A89 << bit) & (2**64 - 1)) >> 58] = bit
    return table


BIT = _bit_numbers()
"""De Bruijn's table: the number of a word's only bit."""


@njit(cache=True, nogil=True)
def _grown(arena, need):
    if need <= arena.shape[0]:
        return arena
    larger = np.empty(max(2 * arena.shape[0], need), np.uint64)
    larger[: arena.shape[0]] = arena
    return larger


@njit(cache=True, nogil=True)
def _wider(rows, words):
    wider = np.zeros((rows.shape[0], max(2 * rows.shape[1], words)), np.uint64)
    wider[:, : rows.shape[1]] = rows
    return wider


@njit(cache=True, nogil=True)
def _longer(array, size):
    longer = np.empty(max(2 * array.shape[0], size), array.dtype)
    longer[: array.shape[0]] = array
    return longer


@njit(cache=True, nogil=True)
def _lowest(arena, row):
    """The number of a row's lowest bit; it has one."""
    w = 0
    while not arena[row + w]:
        w += 1
    word = arena[row + w]
    return 64 * w + BIT[((word & (~word + ONE)) * MAGIC) >> SHIFT]


@njit(cache=True, nogil=True)
def _first_missing(arena, row, of_symbol, g, words):
    """The first frame of a symbol that is not in a row."""
    for w in range(words):
        word = of_symbol[g, w] & ~arena[row + w]
        if word:
            return 64 * w + BIT[((word & (~word + ONE)) * MAGIC) >> SHIFT]
    return 64 * words


@njit(cache=True, nogil=True)
def _newest_below(of_symbol, g, bound):
    """The last frame of a symbol before some frame, or -1."""
    w = bound >> 6
    word = ZERO
    if bound & 63 and w < of_symbol.shape[1]:
        word = of_symbol[g, w] & ((ONE << np.uint64(bound & 63)) - ONE)
    while not word and w > 0:
        w -= 1
        word = of_symbol[g, w]
    if not word:
        return -1
    number = 0
    for step in (32, 16, 8, 4, 2, 1):
        if word >> np.uint64(step):
            word >>= np.uint64(step)
            number += step
    return 64 * w + number


@njit(cache=True, nogil=True)
def _gain(arena, closed, parents, gained, g, words):
    """What a frame's pops were good for, among its parents."""
    for w in range(words):
        arena[closed + w] |= arena[parents + w] & gained[g, w]


@njit(cache=True, nogil=True)
def _clear(arena, at, words):
    for w in range(words):
        arena[at + w] = ZERO


@njit(cache=True, nogil=True)
def _join(arena, into, row, words):
    """A row into another: their union."""
    for w in range(words):
        arena[into + w] |= arena[row + w]


@njit(cache=True, nogil=True)
def _meet(arena, into, left, right, words):
    """The intersection of two rows as a new one, and whether it holds anything."""
    some = ZERO
    for w in range(words):
        word = arena[left + w] & arena[right + w]
        arena[into + w] = word
        some |= word
    return some != ZERO


@njit(cache=True, nogil=True)
def _join_meet(arena, into, left, right, words):
    """The intersection of two rows into another, and whether it holds anything."""
    some = ZERO
    for w in range(words):
        word = arena[left + w] & arena[right + w]
        arena[into + w] |= word
        some |= word
    return some != ZERO


@njit(cache=True, nogil=True)
def _overlap(arena, left, right, words):
    w = 0
    while w < words and not arena[left + w] & arena[right + w]:
        w += 1
    return w < words


@njit(cache=True, nogil=True)
def solve(  # noqa: C901  (arrays that grow would have to be handed back and forth)
    finals,
    start,
    source_begins,
    source_effects,
    effect_source,
    effect_node,
    class_begins,
    class_effects,
    operation,
    symbol,
    future,
    number_of_symbols,
    cells,
    must_stop,
    out,
):
    """Fills `out` `[length, classes + 1]` and says whether the canvas has a filling.

    Arrays are those of `grammar.native.Tables`; `cells` and `must_stop` are `pushdown.solve`'s.
    """
    length, states, nodes = cells.shape[0], finals.shape[0], operation.shape[0]
    classes = class_begins.shape[0] - 1
    arena, top = np.empty(1 << 14, np.uint64), 0

    # Frames; the first is the bottom.
    count = 1
    frame_symbol = np.full(64, -1, np.int64)
    frame_parents = np.zeros(64, np.int64)
    frame_words = np.zeros(64, np.int64)
    frame_closed = np.zeros(64, np.int64)
    frame_before = np.full(64, -1, np.int64)
    frame_union = np.zeros(64, np.int64)
    latest = np.full(number_of_symbols, -1, np.int64)
    of_symbol = np.zeros((number_of_symbols, 4), np.uint64)
    # Frames by the lowest of their parents, for the first few of those.
    roots, root_frames, with_root = 0, np.zeros(ROOTS, np.int64), np.zeros((ROOTS, 4), np.uint64)

    # Rows of the states of each layer and of the nodes at each position, as lists.
    state_begins = np.zeros(length + 2, np.int64)
    state_list, state_row = np.empty(64, np.int64), np.empty(64, np.int64)
    node_begins = np.zeros(length + 1, np.int64)
    node_list, node_row = np.empty(64, np.int64), np.empty(64, np.int64)
    node_frame = np.empty(64, np.int64)
    width, node_width = np.zeros(length + 1, np.int64), np.zeros(length, np.int64)

    here, there = np.full(states, -1, np.int64), np.full(states, -1, np.int64)
    at = np.full(nodes, -1, np.int64)
    flag = np.zeros(nodes, np.bool_)

    arena[0], top, width[0] = ONE, 1, 1
    state_list[0], state_row[0], state_begins[1] = start, 0, 1
    here[start] = 0

    for j in range(length):
        cell = cells[j]
        first, last = state_begins[j], state_begins[j + 1]
        narrow = width[j]
        highest, pushes = -1, 0
        if cell == ANY:
            for index in range(first, last):
                state = state_list[index]
                for k in range(source_begins[state], source_begins[state + 1]):
                    node = effect_node[source_effects[k]]
                    flag[node] = True
                    highest = max(highest, node)
        elif cell >= 0:
            for k in range(class_begins[cell], class_begins[cell + 1]):
                effect = class_effects[k]
                if here[effect_source[effect]] >= 0:
                    node = effect_node[effect]
                    flag[node] = True
                    highest = max(highest, node)
        for node in range(highest, -1, -1):
            if flag[node] and operation[node] != 0:
                flag[future[node]] = True
                pushes += operation[node] == PUSH
        wide = max((count + pushes + 63) >> 6, narrow)
        node_width[j] = wide
        width[j + 1] = wide
        if wide > of_symbol.shape[1]:
            of_symbol, with_root = _wider(of_symbol, wide), _wider(with_root, wide)
        if count + pushes > frame_symbol.shape[0]:
            more = count + pushes
            frame_symbol, frame_parents = _longer(frame_symbol, more), _longer(frame_parents, more)
            frame_words, frame_closed = _longer(frame_words, more), _longer(frame_closed, more)
            frame_before, frame_union = _longer(frame_before, more), _longer(frame_union, more)

        # Effects: rows of sources into rows of nodes.
        if cell == ANY:
            for index in range(first, last):
                state, row = state_list[index], state_row[index]
                for k in range(source_begins[state], source_begins[state + 1]):
                    node = effect_node[source_effects[k]]
                    if at[node] < 0:
                        arena = _grown(arena, top + wide)
                        at[node] = top
                        _clear(arena, top, wide)
                        top += wide
                    _join(arena, at[node], row, narrow)
        elif cell >= 0:
            for k in range(class_begins[cell], class_begins[cell + 1]):
                effect = class_effects[k]
                row = here[effect_source[effect]]
                if row < 0:
                    continue
                node = effect_node[effect]
                if at[node] < 0:
                    arena = _grown(arena, top + wide)
                    at[node] = top
                    _clear(arena, top, wide)
                    top += wide
                _join(arena, at[node], row, narrow)

        # Nodes, futures last.
        fresh = count
        end, listed = node_begins[j], state_begins[j + 1]
        for node in range(highest, -1, -1):
            if not flag[node]:
                continue
            flag[node] = False
            row = at[node]
            if row < 0:
                continue
            if end >= node_list.shape[0]:
                node_list, node_row = _longer(node_list, end + 1), _longer(node_row, end + 1)
                node_frame = _longer(node_frame, end + 1)
            node_list[end], node_row[end], node_frame[end] = node, row, -1
            end += 1
            if operation[node] == 0:
                state = symbol[node]
                into = there[state]
                if into < 0:
                    if listed >= state_list.shape[0]:
                        state_list = _longer(state_list, listed + 1)
                        state_row = _longer(state_row, listed + 1)
                    arena = _grown(arena, top + wide)
                    there[state] = top
                    state_list[listed], state_row[listed] = state, top
                    listed += 1
                    _clear(arena, top, wide)
                    into = top
                    top += wide
                _join(arena, into, row, wide)
                continue
            into = at[future[node]]
            new = into < 0
            if new:
                arena = _grown(arena, top + wide)
                into = top
                top += wide
                _clear(arena, into, wide)
            if operation[node] == POP:
                g = symbol[node]
                missing = _first_missing(arena, row, of_symbol, g, wide)
                frame = _newest_below(of_symbol, g, missing)
                found = frame >= 0
                if found:
                    _join(arena, into, frame_union[frame], frame_words[frame])
                for v in range(missing >> 6, wide):
                    word = arena[row + v] & of_symbol[g, v]
                    while word:
                        low = word & (~word + ONE)
                        word ^= low
                        frame = 64 * v + BIT[(low * MAGIC) >> SHIFT]
                        if frame > missing:
                            found = True
                            _join(arena, into, frame_parents[frame], frame_words[frame])
                if found and new:
                    at[future[node]] = into
            elif operation[node] == TEST:
                g, some = symbol[node], ZERO
                for w in range(wide):
                    word = arena[row + w] & of_symbol[g, w]
                    arena[into + w] |= word
                    some |= word
                if some and new:
                    at[future[node]] = into
            else:
                g = symbol[node]
                frame = -1
                for other in range(fresh, count):
                    if frame_symbol[other] != g:
                        continue
                    same, parents = True, frame_parents[other]
                    for w in range(wide):
                        if arena[parents + w] != arena[row + w]:
                            same = False
                            break
                    if same:
                        frame = other
                        break
                known = frame >= 0
                if not known:
                    frame = count
                    count += 1
                    frame_symbol[frame], frame_parents[frame] = g, row
                    frame_words[frame] = wide
                    arena = _grown(arena, top + 2 * wide)
                    frame_union[frame], before = top, latest[g]
                    frame_before[frame] = before
                    _clear(arena, top, wide)
                    _join(arena, top, row, wide)
                    if before >= 0:
                        _join(arena, top, frame_union[before], frame_words[before])
                    top += wide
                    lowest = _lowest(arena, row)
                    root = 0
                    while root < roots and root_frames[root] != lowest:
                        root += 1
                    if root == roots and roots < ROOTS:
                        root_frames[roots] = lowest
                        roots += 1
                    if root < roots:
                        with_root[root, frame >> 6] |= ONE << np.uint64(frame & 63)
                    latest[g] = frame
                    of_symbol[g, frame >> 6] |= ONE << np.uint64(frame & 63)
                node_frame[end - 1] = frame
                arena[into + (frame >> 6)] |= ONE << np.uint64(frame & 63)
                if new:
                    at[future[node]] = into
                if not known:
                    arena = _grown(arena, top + wide)
                    frame_closed[frame] = top
                    _clear(arena, top, wide)
                    top += wide
        node_begins[j + 1], state_begins[j + 2] = end, listed
        for index in range(node_begins[j], end):
            at[node_list[index]] = -1
        for index in range(first, last):
            here[state_list[index]] = -1
        here, there = there, here

    for index in range(state_begins[length], state_begins[length + 1]):
        here[state_list[index]] = -1

    # Where nothing but stop tokens and holes follow, a stop token may end the text.
    tail = length
    while tail and (cells[tail - 1] == ANY or cells[tail - 1] == STOP):
        tail -= 1
    stop_from = length
    for j in range(length - 1, tail - 1, -1):
        for index in range(state_begins[j], state_begins[j + 1]):
            if finals[state_list[index]] and arena[state_row[index]] & ONE:
                stop_from = j
    for j in range(stop_from, length):
        out[j, classes] = True

    # Backward. `here`: good rows of the states of layer j + 1, `there`: of layer j.
    # What pops of a symbol are good for, and the frames before which all of them were popped so.
    words_now = (count + 63) >> 6
    gained = np.zeros((number_of_symbols, words_now), np.uint64)
    bound, pointer = np.full(number_of_symbols, count, np.int64), latest.copy()
    alive = np.zeros(effect_source.shape[0], np.bool_)
    here_row = np.full(states, -1, np.int64)
    if not must_stop:
        for index in range(state_begins[length], state_begins[length + 1]):
            state = state_list[index]
            if finals[state] and arena[state_row[index]] & ONE:
                arena = _grown(arena, top + width[length])
                here[state] = top
                _clear(arena, top, width[length])
                arena[top] = ONE
                top += width[length]

    for j in range(length - 1, -1, -1):
        cell, wide, narrow = cells[j], node_width[j], width[j]
        first, last = state_begins[j], state_begins[j + 1]
        for index in range(node_begins[j + 1] - 1, node_begins[j] - 1, -1):
            node, row = node_list[index], node_row[index]
            arena = _grown(arena, top + wide)
            some = False
            if operation[node] == 0:
                good = here[symbol[node]]
                if good < 0:
                    continue
                some = _meet(arena, top, row, good, wide)
            elif operation[node] == TEST:
                good, g = at[future[node]], symbol[node]
                if good < 0:
                    continue
                for w in range(wide):
                    word = arena[row + w] & of_symbol[g, w] & arena[good + w]
                    arena[top + w] = word
                    some = some or word != ZERO
            elif operation[node] == PUSH:
                good, frame = at[future[node]], node_frame[index]
                if good < 0:
                    continue
                if not (arena[good + (frame >> 6)] >> np.uint64(frame & 63)) & ONE:
                    continue
                closed, g = frame_closed[frame], symbol[node]
                if frame < bound[g]:
                    _gain(arena, closed, frame_parents[frame], gained, g, min(wide, words_now))
                some = _meet(arena, top, row, closed, wide)
            else:
                good, g = at[future[node]], symbol[node]
                if good < 0:
                    continue
                missing = _first_missing(arena, row, of_symbol, g, wide)
                if missing < bound[g]:
                    frame = pointer[g]
                    while frame >= missing:
                        _gain(
                            arena,
                            frame_closed[frame],
                            frame_parents[frame],
                            gained,
                            g,
                            min(frame_words[frame], words_now),
                        )
                        frame = frame_before[frame]
                    pointer[g], bound[g] = frame, missing
                for w in range(min(wide, words_now)):
                    gained[g, w] |= arena[good + w]
                for v in range(wide):
                    word, hits = arena[row + v] & of_symbol[g, v], ZERO
                    if not word:
                        arena[top + v] = ZERO
                        continue
                    for root in range(roots):
                        lowest = root_frames[root]
                        if (arena[good + (lowest >> 6)] >> np.uint64(lowest & 63)) & ONE:
                            hits |= word & with_root[root, v]
                    if 64 * v + 64 <= bound[g]:
                        word &= ~hits
                    while word:
                        low = word & (~word + ONE)
                        word ^= low
                        frame = 64 * v + BIT[(low * MAGIC) >> SHIFT]
                        parents = frame_parents[frame]
                        if frame >= bound[g]:
                            closed = frame_closed[frame]
                            if _join_meet(arena, closed, parents, good, frame_words[frame]):
                                hits |= low
                        elif not hits & low and _overlap(arena, parents, good, frame_words[frame]):
                            hits |= low
                    arena[top + v] = hits
                    some = some or hits != ZERO
            if some:
                at[node] = top
                top += wide

        # Effects: which are alive, and the good rows of their sources.
        if cell == ANY:
            for index in range(first, last):
                state, row = state_list[index], state_row[index]
                arena = _grown(arena, top + narrow)
                _clear(arena, top, narrow)
                useful = False
                for k in range(source_begins[state], source_begins[state + 1]):
                    effect = source_effects[k]
                    good = at[effect_node[effect]]
                    if good < 0:
                        continue
                    if _join_meet(arena, top, row, good, narrow):
                        alive[effect] = useful = True
                if useful:
                    there[state] = top
                    top += narrow
            for number in range(classes):
                for k in range(class_begins[number], class_begins[number + 1]):
                    if alive[class_effects[k]]:
                        out[j, number] = True
                        break
            alive[:] = False
        elif cell >= 0:
            for index in range(first, last):
                here_row[state_list[index]] = state_row[index]
            for k in range(class_begins[cell], class_begins[cell + 1]):
                effect = class_effects[k]
                state, good = effect_source[effect], at[effect_node[effect]]
                row = here_row[state]
                if row < 0 or good < 0:
                    continue
                if not _overlap(arena, row, good, narrow):
                    continue
                out[j, cell] = True
                if there[state] < 0:
                    arena = _grown(arena, top + narrow)
                    there[state] = top
                    _clear(arena, top, narrow)
                    top += narrow
                _join_meet(arena, there[state], row, good, narrow)
            for index in range(first, last):
                here_row[state_list[index]] = -1
        if j >= tail:
            for index in range(first, last):
                state = state_list[index]
                if finals[state] and arena[state_row[index]] & ONE:
                    if there[state] < 0:
                        arena = _grown(arena, top + narrow)
                        there[state] = top
                        _clear(arena, top, narrow)
                        top += narrow
                    arena[there[state]] |= ONE
        for index in range(node_begins[j], node_begins[j + 1]):
            at[node_list[index]] = -1
        for index in range(state_begins[j + 1], state_begins[j + 2]):
            here[state_list[index]] = -1
        here, there = there, here
    feasible = here[start] >= 0 and bool(arena[here[start]] & ONE)
    if not feasible:
        out[:] = False
    return feasible
