"""Above which of its parents a frame was closed well, remembered word of frames by word."""

import numpy as np

from grammar.loading import borrowing, inlined_borrowing

from .layers import most_words
from .rows import ONE, ZERO, bit_number, clear, join, join_meet, overlap


@borrowing
def _hits(arena, parents, bits, w, good):
    """Which frames of a word have a good parent."""
    rows, firsts, sizes = parents
    hits, last, hit = ZERO, -1, False
    while bits != ZERO:
        low = bits & (~bits + ONE)
        bits ^= low
        frame = 64 * w + bit_number(low)
        if rows[frame] != last:
            last, first = rows[frame], firsts[frame]
            hit = overlap(arena, last + first, good + first, sizes[frame])
        if hit:
            hits |= low
    return hits


@borrowing
def _settle(arena, parents, closed, bits, w, kept):
    """Tells the frames of a word what was kept for all of them."""
    rows, firsts, sizes = parents
    while bits != ZERO:
        low = bits & (~bits + ONE)
        bits ^= low
        frame = 64 * w + bit_number(low)
        first = firsts[frame]
        join_meet(arena, closed[frame] + first, rows[frame] + first, kept + first, sizes[frame])


@borrowing
def _move(of_word, uses, w, slot):
    """A word changes its slot; -1 is none."""
    if of_word[w] >= 0:
        uses[of_word[w]] -= 1
    of_word[w] = slot
    if slot >= 0:
        uses[slot] += 1


@borrowing
def _free_slot(arena, uses, rows, top, words):
    """An empty slot, -1 without room for it. There are as many as words, each made when needed."""
    slot = 0
    while uses[slot] > 0:
        slot += 1
    if rows[slot] == 0:
        if top[0] + words > arena.shape[0]:
            return -1
        rows[slot] = top[0]
        top[0] += words
    clear(arena, rows[slot], words)
    return slot


@inlined_borrowing
def close(room, frames, pop, g, row, words, good, into):
    """The frames of a row with a good parent into another, each is to remember which.

    What they are to remember is the same for all words that have had the same frames (`kept_bits`)
    for as long, and is kept once for these, in a slot. A word whose frames become more is told, and
    begins anew. Frames of later layers' pushes, not of `open_bits`, have been told, and those
    that are closed above all their parents need not be. False where the
    room is too small.
    """
    arena, common = room.arena, frames.common[g]
    of_word, uses, kept_bits = frames.slot[pop], frames.uses[pop], frames.bits[pop]
    rows, fresh = frames.rows[pop], -1
    parents, closed = (room.frame_row, room.frame_first, room.frame_size), room.frame_closed
    open_bits, whole = frames.open_bits, frames.closed
    for w in range(words):
        bits = arena[row + w]
        had, slot = kept_bits[w] & open_bits[w] & ~whole[w], of_word[w]
        hits = bits
        # All have one if a parent that they have in common is good.
        if bits != ZERO and not overlap(arena, common[w], good, w + 1):
            hits = _hits(arena, parents, bits, w, good)
        arena[into + w] = hits
        bits = bits & ~whole[w] if hits != ZERO else bits & had
        kept_bits[w] = bits
        if bits == had and bits != ZERO:
            continue
        grown = bits & ~had != ZERO
        told = had if grown else had & ~bits
        if told != ZERO:
            _settle(arena, parents, closed, told, w, rows[slot])
        if grown or bits == ZERO:
            _move(of_word, uses, w, -1)
        if grown:
            fresh = _free_slot(arena, uses, rows, frames.top, words) if fresh < 0 else fresh
            if fresh < 0:
                return False
            _move(of_word, uses, w, fresh)
    slot = 0
    while slot < rows.shape[0] and rows[slot] != 0:
        if uses[slot] > 0:
            join(arena, rows[slot], good, words)
        slot += 1
    return True


@borrowing
def recall(tables, room, frames, frame, g, into):
    """All that a frame has remembered, into a row."""
    w, bit = frame >> 6, ONE << np.uint64(frame & 63)
    parents, closed = (room.frame_row, room.frame_first, room.frame_size), room.frame_closed
    for pop in range(tables.pop_begins[g], tables.pop_begins[g + 1]):
        if frames.bits[pop, w] & bit != ZERO:
            kept = frames.rows[pop, frames.slot[pop, w]]
            _settle(room.arena, parents, closed, bit, w, kept)
    join(room.arena, into, closed[frame], w + 1)


@borrowing
def _lay_out(rows, words, top):
    """Places for rows of each word's frames, which are no wider than up to the word."""
    for number in range(rows.shape[0]):
        for w in range(words):
            rows[number, w] = top
            top += w + 1
    return top


@borrowing
def prepare(room, length, frames, top):
    """Rows for what closes frames, and the parents that the frames of a word have in common.

    Where the good rows go, -1 if the room is too small.
    """
    arena, words, common = room.arena, room.width[length], frames.common
    need = (64 + common.shape[0]) * (words + 1) * words // 2 + 3 * most_words(room, length)
    if top + need > arena.shape[0]:
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
    frames.top[0] = top + 3 * most_words(room, length)
    return top
