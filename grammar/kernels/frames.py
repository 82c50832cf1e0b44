"""Above which of its parents a frame was closed well, remembered word of frames by word."""

import numpy as np

from grammar.loading import kernel

from .layers import most_words
from .rows import ONE, ZERO, bit_number, clear, join, join_meet, overlap


@kernel
def _hits(room, bits, w, good, common):
    """Which frames of a word have a good parent: all if one that they have in common is good."""
    if overlap(room.arena, common, good, w + 1):
        return bits
    hits = ZERO
    while bits != ZERO:
        low = bits & (~bits + ONE)
        bits ^= low
        frame = 64 * w + bit_number(low)
        first, size = room.frame_first[frame], room.frame_size[frame]
        if overlap(room.arena, room.frame_row[frame] + first, good + first, size):
            hits |= low
    return hits


@kernel
def _settle(room, bits, w, kept):
    """Tells the frames of a word what was kept for all of them."""
    while bits != ZERO:
        low = bits & (~bits + ONE)
        bits ^= low
        frame = 64 * w + bit_number(low)
        first, size = room.frame_first[frame], room.frame_size[frame]
        closed, row = room.frame_closed[frame] + first, room.frame_row[frame] + first
        join_meet(room.arena, closed, row, kept + first, size)


@kernel
def close(room, kept, kept_bits, open_bits, of_symbol, common, row, words, good, into):
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
            clear(arena, kept[w], w + 1)
        else:
            _settle(room, had & ~bits, w, kept[w])
        kept_bits[w] = bits
        join(arena, kept[w], good, w + 1)


@kernel
def recall(tables, room, frame, g, kept, kept_bits):
    """All that a frame is to remember, when it comes to its push."""
    w, bit = frame >> 6, ONE << np.uint64(frame & 63)
    for pop in range(tables.pop_begins[g], tables.pop_begins[g + 1]):
        if kept_bits[pop, w] & bit != ZERO:
            _settle(room, bit, w, kept[pop, w])


@kernel
def _lay_out(rows, words, top):
    """Places for rows of each word's frames, which are no wider than up to the word."""
    for number in range(rows.shape[0]):
        for w in range(words):
            rows[number, w] = top
            top += w + 1
    return top


@kernel
def prepare(room, length, common, kept, top):
    """Rows for what closes frames, and the parents that the frames of a word have in common.

    Where the good rows go, -1 if the room is too small.
    """
    arena, words = room.arena, room.width[length]
    need = (64 + common.shape[0] + kept.shape[0]) * (words + 1) * words // 2
    if top + need + 3 * most_words(room, length) > arena.shape[0]:
        return -1
    begin = top
    for frame in range(1, room.frames[length]):
        room.frame_closed[frame] = top
        top += (frame >> 6) + 1
    clear(arena, begin, top - begin)
    begin, top = top, _lay_out(common, words, top)
    arena[begin:top] = ~ZERO
    for frame in range(1, room.frames[length]):
        w, row = frame >> 6, room.frame_row[frame]
        into = common[room.frame_symbol[frame], w]
        for v in range(w + 1 if room.frame_size[frame] else 0):
            arena[into + v] &= arena[row + v]
    return _lay_out(kept, words, top)
