"""Frames of the shared stack, the links to what is below them, and pops."""

import numpy as np

from grammar.loading import inlined, kernel

from .rows import (
    MIX,
    ONE,
    ZERO,
    add_row,
    hash_row,
    lowest,
    mixed,
    new_row,
    number_of,
    same_rows,
    set_bit,
)
from .tables import BASE, FRAMES, FULL, LINKS, POPS, STAMP, WIDE, WIDTH


@inlined
def find_frame(room, first, last, rest, target):
    """A frame of a step, -1 if there is none."""
    for frame in range(first, last):
        if room.frames[frame].rest == rest and room.frames[frame].target == target:
            return frame
    return -1


@inlined
def new_frame(room, rest, target, words):
    """A frame without links; FULL or WIDE."""
    frame = room.counters[FRAMES]
    if frame - room.counters[BASE] >= words * 64:
        return WIDE
    if frame >= len(room.frames):
        return FULL
    room.counters[FRAMES] = frame + 1
    room.frames[frame].rest = rest
    room.frames[frame].target = target
    room.frames[frame].words = words
    room.frames[frame].links = -1
    room.link_of[frame, :] = -1
    return frame


@inlined
def frame_of(room, first, rest, target, words):
    """A frame of a step, made where it is missing."""
    frame = find_frame(room, first, room.counters[FRAMES], rest, target)
    return frame if frame >= 0 else new_frame(room, rest, target, words)


@inlined
def hold(room, link):
    """Notes that the frame of a link returns to the link's point."""
    number = room.links[link].frame - room.counters[BASE]
    room.holders[room.links[link].symbol, number >> 6] |= ONE << np.uint64(number & 63)


@kernel
def clear_holders(room):
    """Notes that no frame returns anywhere."""
    width = room.counters[WIDTH]
    for symbol in range(len(room.holders)):
        room.holders[symbol, :width] = ZERO


@inlined
def link_to(room, frame, symbol, words):
    """A link of a frame, made where it is missing."""
    link = room.link_of[frame, symbol]
    if link >= 0:
        return link
    link = room.counters[LINKS]
    row = new_row(room, words)
    if link >= len(room.links) or row < 0:
        return FULL
    room.counters[LINKS] = link + 1
    room.links[link].symbol = symbol
    room.links[link].frame = frame
    room.links[link].row = row
    room.links[link].well = 0
    room.links[link].same = link
    room.links[link].stamp = 0
    room.links[link].sibling = room.frames[frame].links
    room.frames[frame].links = link
    room.link_of[frame, symbol] = link
    hold(room, link)
    return link


@kernel
def same_links(room, first, last):
    """Finds links of one record that return to the same point above the same frames."""
    for link in range(first, last):
        symbol = room.links[link].symbol
        words = room.frames[room.links[link].frame].words
        row, same = room.links[link].row, room.pop_head[symbol]
        room.links[link].mix = mix = np.int64(hash_row(room.arena, row, words))
        while same >= 0:
            alike = room.links[same].mix == mix
            if alike and same_rows(room.arena, room.links[same].row, row, words):
                break
            same = room.links[same].next
        if same < 0:
            room.links[link].next = room.pop_head[symbol]
            room.pop_head[symbol] = same = link
        room.links[link].same = same
    for link in range(first, last):
        room.pop_head[room.links[link].symbol] = -1


@inlined
def add_frame(room, into, frame, row, words):
    """To a row: the frame, or if there is none the row."""
    if frame >= 0:
        set_bit(room.arena, into, frame - room.counters[BASE])
    else:
        add_row(room.arena, into, row, words)


@inlined
def pop_of(room, row, row_words, symbol, words):
    """The pop of `symbol` from a row, made where it is new; -1 if no frame returns there."""
    arena, scratch, holders = room.arena, room.scratch, room.holders[symbol]
    own, mix, some = arena[row : row + row_words], MIX, ZERO
    for word in range(row_words):
        bits = scratch[word] = own[word] & holders[word]
        if bits:
            some |= bits
            mix = mixed(mix, word, bits)
    if not some:
        return -1
    scratch[row_words:words] = ZERO
    known = room.pop_head[symbol]
    while known >= 0:
        if room.pops[known].mix == np.int64(mix):
            begin, word = room.pops[known].row, 0
            while word < words and arena[begin + word] == scratch[word]:
                word += 1
            if word == words:
                return known
        known = room.pops[known].next
    return _new_pop(room, symbol, np.int64(mix), words)


@kernel
def _new_pop(room, symbol, mix, words):
    """The pop of the frames in `scratch`."""
    pop = room.counters[POPS]
    own = new_row(room, 2 * words)
    if pop >= len(room.pops) or own < 0:
        return FULL
    room.counters[POPS] = pop + 1
    room.pops[pop].symbol, room.pops[pop].mix = symbol, mix
    room.pops[pop].row, room.pops[pop].below = own, own + words
    room.pops[pop].next = room.pop_head[symbol]
    room.pop_head[symbol] = pop
    room.counters[STAMP] += 1
    stamp, base = room.counters[STAMP], room.counters[BASE]
    for word in range(words):
        left = room.arena[own + word] = room.scratch[word]
        while left:
            low = lowest(left)
            left ^= low
            frame = base + word * 64 + number_of(low)
            link = room.links[room.link_of[frame, symbol]].same
            if room.links[link].stamp != stamp:
                room.links[link].stamp = stamp
                add_row(room.arena, own + words, room.links[link].row, room.frames[frame].words)
    return pop
