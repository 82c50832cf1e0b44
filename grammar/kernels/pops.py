"""The parents of many frames at once, remembered word of frames by word."""

import numpy as np

from grammar.loading import borrowing, kernel

from .rows import ONE, ZERO, bit_number, clear, join, join_into
from .shared import COUNTERS, TOP


@kernel
def make_memory(pops):
    """What is known, of each pop, of words of frames.

    Where the parents lie of a word's frames as they were when last asked for, these frames, and
    whether there were any; and the parents of the frames of all words.
    """
    words = 4
    kept, shown = np.zeros((pops, words), np.int64), np.zeros((pops, words), np.bool_)
    return kept, np.zeros((pops, words), np.uint64), shown, np.zeros((pops, words), np.uint64)


@kernel
def _wider(rows, words):
    wider = np.zeros((rows.shape[0], words), rows.dtype)
    wider[:, : rows.shape[1]] = rows
    return wider


@kernel
def widen(memory, of_symbol):
    """The memory and the frames by symbol, with room for twice as many words."""
    words, (kept, bits, shown, total) = 2 * of_symbol.shape[1], memory
    wide = _wider(kept, words), _wider(bits, words), _wider(shown, words), _wider(total, words)
    return wide, _wider(of_symbol, words)


@borrowing
def _parents(arena, frames, kept, fresh, w, total):
    """The parents of more frames of a word into two rows."""
    rows, firsts, sizes = frames
    last = -1
    while fresh != ZERO:
        low = fresh & (~fresh + ONE)
        fresh ^= low
        frame = 64 * w + bit_number(low)
        row, first, size = rows[frame], firsts[frame], sizes[frame]
        if row == last:
            continue
        last = row
        join(arena, kept + first, row + first, size)
        join_into(total[first:], arena, row + first, size)


@borrowing
def _total(arena, kept, shown, total, words):
    """Makes the parents of all frames anew, where some were lost."""
    total[:words] = ZERO
    for w in range(words):
        if shown[w]:
            join_into(total, arena, kept[w], w + 1)


@borrowing
def find_parents(arena, frames, shelf, memory, pop, row, words):
    """The parents of a row's frames, which are all of the pop's symbol, into the memory's last.

    Mostly they are the same ones as at the last layer, or a few more.
    """
    kept, kept_bits, shown = memory[0][pop], memory[1][pop], memory[2][pop]
    total, lost = memory[3][pop], False
    for w in range(words):
        bits, known = arena[row + w], kept_bits[w]
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
            kept[w] = shelf[COUNTERS, TOP]
            shelf[COUNTERS, TOP] += w + 1
            clear(arena, kept[w], w + 1)
        _parents(arena, frames, kept[w], bits & ~known, w, total)
        kept_bits[w] = bits
        if not shown[w]:
            shown[w] = True
            join_into(total, arena, kept[w], w + 1)
    if lost:
        _total(arena, kept, shown, total, words)
