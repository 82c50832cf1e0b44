"""Rows of bits in the arena, a word of 64 at a time."""

import numpy as np

from grammar.loading import inlined, kernel

from .tables import WORDS

ONE, ZERO, MIX = np.uint64(1), np.uint64(0), np.uint64(0x9E3779B97F4A7C15)


@inlined
def new_row(room, words):
    """A row of zeros; -1 where the arena is full."""
    row = room.counters[WORDS]
    if row + words > len(room.arena):
        return -1
    room.counters[WORDS] = row + words
    room.arena[row : row + words] = ZERO
    return row


@inlined
def add_row(arena, into, row, words):
    """To a row another one."""
    # Views: an index that may be negative would keep the loop from running in vectors.
    sums, more = arena[into : into + words], arena[row : row + words]
    for word in range(words):
        sums[word] |= more[word]


@inlined
def add_both(arena, into, row, other, words):
    """To a row what two others share; whether they share anything."""
    sums, one, two = (
        arena[into : into + words],
        arena[row : row + words],
        arena[other : other + words],
    )
    found = ZERO
    for word in range(words):
        both = one[word] & two[word]
        sums[word] |= both
        found |= both
    return found != ZERO


@kernel
def meets(arena, row, other, words):
    """Whether two rows share anything."""
    for word in range(words):
        if arena[row + word] & arena[other + word]:
            return True
    return False


@inlined
def any_bit(arena, row, words):
    """Whether a row has a bit."""
    for word in range(words):
        if arena[row + word]:
            return True
    return False


@kernel
def same_rows(arena, row, other, words):
    """Whether two rows are equal."""
    for word in range(words):
        if arena[row + word] != arena[other + word]:
            return False
    return True


@inlined
def mixed(mix, word, bits):
    """A hash with one more word of a row; words of zeros are left out."""
    mix ^= bits ^ (np.uint64(word) << np.uint64(50))
    mix ^= mix << np.uint64(13)  # Marsaglia's xorshift: no product that Python would warn of
    mix ^= mix >> np.uint64(7)
    return mix ^ (mix << np.uint64(17))


@kernel
def hash_row(arena, row, words):
    """A hash of a row, the same however many zeros it ends with."""
    mix = MIX
    for word in range(words):
        bits = arena[row + word]
        if bits:
            mix = mixed(mix, word, bits)
    return mix


@inlined
def has_bit(arena, row, number):
    """Whether a row has one bit."""
    return ((arena[row + (number >> 6)] >> np.uint64(number & 63)) & ONE) != ZERO


@inlined
def set_bit(arena, row, number):
    """Sets one bit of a row."""
    arena[row + (number >> 6)] |= ONE << np.uint64(number & 63)


@inlined
def lowest(word):
    """The lowest bit of a word, alone."""
    return word & (~word + ONE)


@inlined
def number_of(low):
    """The number of the bit in a word with one."""
    number = 0
    if low >> np.uint64(32):
        number += 32
    if (low >> np.uint64(number)) >> np.uint64(16):
        number += 16
    if (low >> np.uint64(number)) >> np.uint64(8):
        number += 8
    if (low >> np.uint64(number)) >> np.uint64(4):
        number += 4
    if (low >> np.uint64(number)) >> np.uint64(2):
        number += 2
    if (low >> np.uint64(number)) >> np.uint64(1):
        number += 1
    return number
