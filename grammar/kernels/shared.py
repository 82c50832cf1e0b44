"""The different rows of a layer, each kept once, so that what is made of equal rows is made once.

A row has a number; the empty one is -1 and is not kept. The rows of the last layer's states come
first. What an operation gave is remembered by the numbers that it was given. All of this is one
array, the shelf: it is handed to many small calls, and each array of a tuple would cost there.
"""

import numpy as np

from grammar.loading import borrowing, inlined_borrowing, kernel

from .rows import ONE, ZERO, clear, copy, equal, join, some

ROW, HASH, NEW_HASH, NEW, MARK, LEFT, RIGHT, RESULT, SLOTS, PAIR_SLOTS, COUNTERS = range(11)
"""The lines of the shelf.

Of each row where it lies, its hash, both for numbering anew, and for looking at each once. Of each
pair its two numbers and their result. What finds rows by their words, and pairs; the counters.
"""

ROWS, PAIRS, TOP, FRAMES, STAMP, VERSION = range(6)
"""The counters: rows, pairs, the end of the arena, frames; the mark, the version of `Sets`."""

UNKNOWN = -2
"""A result that is to be found yet."""

SALT, HALF = np.uint64(0x9E3779B97F4A7C15), np.uint64(32)


@borrowing
def hash_row(arena, row, words):
    """Of a row, whatever zeros follow it; 0 of the empty one."""
    hashed, salt, read = ZERO, SALT, arena[row : row + words]
    for w in range(words):
        hashed += (read[w] ^ (read[w] >> HALF)) * salt
        salt += SALT + SALT
    return np.int64(hashed >> ONE)


@kernel
def make_shelf(arena, states, nodes):
    """With the row of the first layer, which is of the empty stack alone; room for any layer's."""
    rows = 2 * states + 5 * (nodes - states) + 1
    size = 64
    while size < 2 * rows:
        size *= 2
    shelf = np.zeros((COUNTERS + 1, size), np.int64)
    shelf[NEW] = -1
    arena[0] = ONE
    shelf[HASH, 0] = hash_row(arena, 0, 1)
    shelf[COUNTERS, ROWS] = shelf[COUNTERS, TOP] = shelf[COUNTERS, FRAMES] = 1
    return shelf


@borrowing
def keep(arena, shelf, words):
    """The number of the row at the end of the arena, which stays there if it is a new one."""
    top, number, last = shelf[COUNTERS, TOP], shelf[COUNTERS, ROWS], shelf.shape[1] - 1
    hashed = hash_row(arena, top, words)
    if hashed == 0 and not some(arena, top, words):
        return -1
    slot = hashed >> 31 & last
    while shelf[SLOTS, slot] >= 0:
        known = shelf[SLOTS, slot]
        if shelf[HASH, known] == hashed and equal(arena, shelf[ROW, known], top, words):
            return known
        slot = slot + 1 & last
    shelf[SLOTS, slot] = number
    shelf[ROW, number], shelf[HASH, number] = top, hashed
    shelf[COUNTERS, ROWS], shelf[COUNTERS, TOP] = number + 1, top + words
    return number


@borrowing
def pair(shelf, left, right):
    """The place of a pair, of which its line `RESULT` tells."""
    last = shelf.shape[1] - 1
    slot = (left * 0x9E3779B1 + right * 0x85EBCA77 >> 7) & last
    while shelf[PAIR_SLOTS, slot] >= 0:
        known = shelf[PAIR_SLOTS, slot]
        if shelf[LEFT, known] == left and shelf[RIGHT, known] == right:
            return known
        slot = slot + 1 & last
    place = shelf[COUNTERS, PAIRS]
    shelf[PAIR_SLOTS, slot], shelf[COUNTERS, PAIRS] = place, place + 1
    shelf[LEFT, place], shelf[RIGHT, place], shelf[RESULT, place] = left, right, UNKNOWN
    return place


@inlined_borrowing
def joined(arena, shelf, left, right, words):
    """The union of two rows, by number."""
    if left < 0 or left == right:
        return right
    return left if right < 0 else _union(arena, shelf, left, right, words)


@borrowing
def _union(arena, shelf, left, right, words):
    place = pair(shelf, min(left, right), max(left, right))
    if shelf[RESULT, place] == UNKNOWN:
        top = shelf[COUNTERS, TOP]
        copy(arena, top, shelf[ROW, left], words)
        join(arena, top, shelf[ROW, right], words)
        shelf[RESULT, place] = keep(arena, shelf, words)
    return shelf[RESULT, place]


@borrowing
def masked(arena, shelf, number, g, of_symbol, words):
    """The frames of one symbol in a row, by number."""
    if number < 0:
        return -1
    place = pair(shelf, number, -1 - g)
    if shelf[RESULT, place] == UNKNOWN:
        row, top = shelf[ROW, number], shelf[COUNTERS, TOP]
        for w in range(words):
            arena[top + w] = arena[row + w] & of_symbol[g, w]
        shelf[RESULT, place] = keep(arena, shelf, words)
    return shelf[RESULT, place]


@inlined_borrowing
def begin_layer(arena, shelf, narrow, wide):
    """Forgets all but the first rows, and gives these as many words as the layer's rows have."""
    last = shelf.shape[1] - 1
    shelf[SLOTS], shelf[PAIR_SLOTS], shelf[COUNTERS, PAIRS] = -1, -1, 0
    for number in range(shelf[COUNTERS, ROWS]):
        if wide > narrow:
            top = shelf[COUNTERS, TOP]
            clear(arena, top, wide)
            join(arena, top, shelf[ROW, number], narrow)
            shelf[ROW, number], shelf[COUNTERS, TOP] = top, top + wide
        slot = shelf[HASH, number] >> 31 & last
        while shelf[SLOTS, slot] >= 0:
            slot = slot + 1 & last
        shelf[SLOTS, slot] = number


@inlined_borrowing
def end_layer(room, shelf, layer):
    """Numbers the rows of the layer's states anew, and keeps these alone."""
    count = 0
    for item in range(room.states[layer], room.begins[layer + 1]):
        number = room.item_id[item]
        if shelf[NEW, number] < 0:
            shelf[NEW, number] = count
            shelf[NEW_HASH, count] = shelf[HASH, number]
            count += 1
        room.item_id[item] = shelf[NEW, number]
    shelf[NEW, : shelf[COUNTERS, ROWS]] = -1
    for item in range(room.states[layer], room.begins[layer + 1]):
        shelf[ROW, room.item_id[item]] = room.item_row[item]
    for number in range(count):
        shelf[HASH, number] = shelf[NEW_HASH, number]
    shelf[COUNTERS, ROWS] = count
