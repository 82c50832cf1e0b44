"""Folds: the frames that can still be met are numbered anew, and all others forgotten.

Text that stands makes frames that are soon popped for good, while a row has a bit for each. A fold
is a record that reads nothing: lists, frames and links are copied as they are, in short rows. From
the right what is good of a copy is said to what it is a copy of.
"""

from grammar.loading import kernel

from .frames import clear_holders, hold, link_to, new_frame, same_links
from .lists import keep_list, new_item
from .rows import ZERO, add_row, has_bit, lowest, new_row, number_of, set_bit
from .tables import BASE, CROWDS, EPOCH, FRAMES, FULL, GOOD, GROUPS, LINKS, LIVE

MANY = 16
"""Frames that are not worth a fold."""


@kernel
def _mark(tables, room, source, words):
    """A row of the frames that the lists of a record lead to; FULL without room."""
    arena, marked = room.arena, new_row(room, 2 * words)
    if marked < 0:
        return FULL
    arena[marked] |= lowest(~ZERO)
    for number in range(room.records[source].lists, room.records[source + 1].lists):
        item = room.lists[number].head if room.lists[number].node < tables.ends else -1
        while item >= 0:
            add_row(arena, marked, room.items[item].row, words)
            item = room.items[item].next
    more = True
    while more:
        more = False
        for word in range(words):
            left = arena[marked + word] & ~arena[marked + words + word]
            arena[marked + words + word] |= left
            while left:
                low = lowest(left)
                left ^= low
                more = True
                frame = room.counters[BASE] + word * 64 + number_of(low)
                link = room.frames[frame].links
                while link >= 0:
                    add_row(arena, marked, room.links[link].row, room.frames[frame].words)
                    link = room.links[link].sibling
    return marked


@kernel
def _translate(room, row, words, into):
    """Adds a row of old numbers to one of new numbers."""
    for word in range(words):
        left = room.arena[row + word]
        while left:
            low = lowest(left)
            left ^= low
            set_bit(room.arena, into, room.renamed[word * 64 + number_of(low)])


@kernel
def _copy_frames(room, marked, words, base):
    """The marked frames under new numbers; how many, or FULL."""
    count = 0
    for number in range(words * 64):
        if not has_bit(room.arena, marked, number):
            continue
        old = base + number
        frame = new_frame(room, room.frames[old].rest, room.frames[old].target, words)
        if frame < 0:
            return FULL
        room.frames[frame].origin = number
        room.renamed[number] = count
        count += 1
    return count


@kernel
def _copy_links(room, base, first, count, words):
    """The links of `count` frames from `first` on; 0, or FULL."""
    for frame in range(first, first + count):
        room.frames[frame].words = words
        old = base + room.frames[frame].origin
        origin = room.frames[old].links
        while origin >= 0:
            link = link_to(room, frame, room.links[origin].symbol, words)
            if link < 0:
                return FULL
            room.links[link].origin = origin
            _translate(room, room.links[origin].row, room.frames[old].words, room.links[link].row)
            origin = room.links[origin].sibling
    return 0


@kernel
def _copy_lists(tables, room, source, source_words, words):
    """The lists of a record at states of the reader; 0, or FULL."""
    for number in range(room.records[source].lists, room.records[source + 1].lists):
        node, head = room.lists[number].node, -1
        origin = room.lists[number].head if node < tables.ends else -1
        while origin >= 0:
            head = new_item(room, room.items[origin].state, words, head)
            if head < 0:
                return FULL
            room.items[head].origin = origin
            _translate(room, room.items[origin].row, source_words, room.items[head].row)
            origin = room.items[origin].next
        if head >= 0:
            room.head[node] = head
            if keep_list(room, node, 0) < 0:
                return FULL
    return 0


@kernel
def _count(room, row, words):
    """How many bits a row has."""
    count = 0
    for word in range(words):
        left = room.arena[row + word]
        while left:
            left ^= lowest(left)
            count += 1
    return count


@kernel
def _alias(tables, room, source):
    """The lists of a record as they are; 0, or FULL."""
    for number in range(room.records[source].lists, room.records[source + 1].lists):
        node = room.lists[number].node
        if node < tables.ends:
            room.head[node] = room.lists[number].head
            if keep_list(room, node, 0) < 0:
                return FULL
    return 0


@kernel
def fold(tables, room, record, source):
    """Makes a record that is its source, in short rows where that pays; 0, or FULL."""
    counters, words = room.counters, room.records[source].words
    base, first, links = counters[BASE], counters[FRAMES], counters[LINKS]
    marked, pays = -1, first - base > 2 * counters[LIVE] + MANY
    if pays:
        marked = _mark(tables, room, source, words)
        if marked < 0:
            return FULL
        counters[LIVE] = _count(room, marked, words)
        pays = first - base > 2 * counters[LIVE]
    room.records[record].zero = base if pays else -1
    room.records[record].words = words
    room.records[record].groups = counters[GROUPS]
    room.records[record].crowds = counters[CROWDS]
    if not pays:
        return _alias(tables, room, source)
    room.records[record].epoch = counters[EPOCH]
    counters[BASE], counters[EPOCH] = first, links
    clear_holders(room)
    count = _copy_frames(room, marked, words, base)
    short = ((count - 1) >> 6) + 1
    if count < 0 or _copy_links(room, base, first, count, short) < 0:
        return FULL
    if _copy_lists(tables, room, source, words, short) < 0:
        return FULL
    same_links(room, links, counters[LINKS])
    room.records[record].links = counters[LINKS]
    room.records[record].words = short
    return 0


@kernel
def _tell(room, good, words, into):
    """Says to a row of old numbers what is good of one of new numbers."""
    for word in range(words):
        left = room.arena[good + word]
        while left:
            low = lowest(left)
            left ^= low
            frame = room.counters[BASE] + word * 64 + number_of(low)
            set_bit(room.arena, into, room.frames[frame].origin)


@kernel
def unfold(room, record):
    """Says what is good of a fold's copies to what they are copies of."""
    counters, words = room.counters, room.records[record].words
    good = counters[GOOD]
    if room.records[record].zero < 0:
        return
    for number in range(room.records[record].lists, room.records[record + 1].lists):
        item = room.lists[number].head
        while item >= 0:
            origin = room.items[room.items[item].origin].row
            _tell(room, room.items[item].row + good, words, origin + good)
            item = room.items[item].next
    first = counters[EPOCH]
    for link in range(first, room.records[record].links):
        origin = room.links[room.links[link].origin].row
        _tell(room, room.links[link].row + good, words, origin + good)
    counters[BASE], counters[EPOCH] = room.records[record].zero, room.records[record].epoch
    hold_again(room, first)


@kernel
def hold_again(room, last):
    """Notes which frames return where, of the links of the frames that rows name.

    Args:
        last: The link behind theirs.
    """
    clear_holders(room)
    for link in range(room.counters[EPOCH], last):
        hold(room, link)
