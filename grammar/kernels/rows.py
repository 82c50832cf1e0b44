"""Rows: sets of frames as bits. A row is the number of its first word in an arena."""

import numpy as np

from grammar.loading import borrowing

ONE, ZERO = np.uint64(1), np.uint64(0)
LOW, SIX = np.uint64(63), np.uint64(6)
MAGIC, SHIFT = np.uint64(0x03F79D71B4CB0A89), np.uint64(58)


def _bit_numbers():
    table = np.zeros(64, np.int64)
    for bit in range(64):
        table[((0x03F79D71B4CB0A89 << bit) & (2**64 - 1)) >> 58] = bit
    return table


BIT = _bit_numbers()
"""De Bruijn's table: the number of a word's only bit."""


@borrowing
def bit_number(low):
    return BIT[(low * MAGIC) >> SHIFT]


@borrowing
def has_bit(arena, row, frame):
    return (arena[row + (frame >> 6)] >> np.uint64(frame & 63)) & ONE != ZERO


@borrowing
def set_bit(arena, row, frame):
    arena[row + (frame >> 6)] |= ONE << np.uint64(frame & 63)


@borrowing
def clear(arena, row, words):
    arena[row : row + words] = ZERO


@borrowing
def some(arena, row, words):
    for w in range(words):  # noqa: SIM110  (numba knows no generators here)
        if arena[row + w] != ZERO:
            return True
    return False


# Slices below tell LLVM that no index is negative, so that it makes vector code of the loops.


@borrowing
def join(arena, into, row, words):
    joined, more = arena[into : into + words], arena[row : row + words]
    for w in range(words):
        joined[w] |= more[w]


@borrowing
def copy(arena, into, row, words):
    copied, own = arena[into : into + words], arena[row : row + words]
    for w in range(words):
        copied[w] = own[w]


@borrowing
def copy_from(arena, into, row, words):
    """A row that lies elsewhere."""
    copied = arena[into : into + words]
    for w in range(words):
        copied[w] = row[w]


@borrowing
def join_into(joined, arena, row, words):
    """A row into one that lies elsewhere."""
    more = arena[row : row + words]
    for w in range(words):
        joined[w] |= more[w]


@borrowing
def join_meet(arena, into, left, right, words):
    """The intersection of two rows into a third."""
    joined = arena[into : into + words]
    one, other = arena[left : left + words], arena[right : right + words]
    for w in range(words):
        joined[w] |= one[w] & other[w]


@borrowing
def fill(arena, into, row, good, words):
    """As `join_meet`, and whether all of the row is in now."""
    filled, missing = arena[into : into + words], ZERO
    one, other = arena[row : row + words], arena[good : good + words]
    for w in range(words):
        word = filled[w] | (one[w] & other[w])
        filled[w] = word
        missing |= one[w] & ~word
    return missing == ZERO


@borrowing
def overlap(arena, left, right, words):
    for w in range(words):  # noqa: SIM110
        if arena[left + w] & arena[right + w] != ZERO:
            return True
    return False


@borrowing
def equal(arena, left, right, words):
    one, other, differ = arena[left : left + words], arena[right : right + words], ZERO
    for w in range(words):
        differ |= one[w] ^ other[w]
    return differ == ZERO
