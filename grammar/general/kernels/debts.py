"""What is good below pops: noted for their items, and said to links and frames later."""

from grammar.loading import kernel

from .rows import ZERO, add_both, add_row, any_bit, lowest, meets, new_row, number_of, same_rows
from .tables import BASE, DEBTS, FULL, GOOD, STAMP


@kernel
def owe(room, item, pop, good, words):
    """Notes what is good below a pop of an item; 0, or FULL."""
    debt = room.items[item].debt
    while debt >= 0 and room.debts[debt].pop != pop:
        debt = room.debts[debt].next
    if debt < 0:
        debt = room.counters[DEBTS]
        row = new_row(room, words)
        if debt >= len(room.debts) or row < 0:
            return FULL
        room.counters[DEBTS] = debt + 1
        room.debts[debt].pop, room.debts[debt].good = pop, row
        room.debts[debt].next = room.items[item].debt
        room.items[item].debt = debt
    add_row(room.arena, room.debts[debt].good, good, words)
    return 0


@kernel
def pay(room, item, row_words):
    """Says to an item which of its frames are good for what it is owed, and to the pops."""
    arena, debt = room.arena, room.items[item].debt
    base, behind = room.counters[BASE], room.counters[GOOD]
    into = room.items[item].row + behind
    while debt >= 0:
        pop, good = room.debts[debt].pop, room.debts[debt].good
        symbol, below = room.pops[pop].symbol, room.pops[pop].below
        words = below - room.pops[pop].row
        room.counters[STAMP] += 2
        stamp = room.counters[STAMP]
        for word in range(row_words):
            left = arena[room.pops[pop].row + word] & ~arena[into + word]
            while left:
                low = lowest(left)
                left ^= low
                frame = base + word * 64 + number_of(low)
                link = room.links[room.link_of[frame, symbol]].same
                if room.links[link].stamp < stamp:
                    well = meets(arena, room.links[link].row, good, room.frames[frame].words)
                    room.links[link].stamp = stamp + 1 if well else stamp
                if room.links[link].stamp > stamp:
                    arena[into + word] |= low
        add_row(arena, below + behind, good, words)
        debt = room.debts[debt].next
    room.counters[STAMP] += 1
    room.items[item].debt = -1


@kernel
def settle(room, first, last):
    """Says to links above which of their frames they were left well, for pops of a record."""
    arena, base, behind = room.arena, room.counters[BASE], room.counters[GOOD]
    for pop in range(first, last):
        symbol, total = room.pops[pop].symbol, room.pops[pop].below + behind
        words = room.pops[pop].below - room.pops[pop].row
        if not any_bit(arena, total, words):
            continue
        for word in range(words):
            left = arena[room.pops[pop].row + word]
            while left:
                low = lowest(left)
                left ^= low
                frame = base + word * 64 + number_of(low)
                link = room.link_of[frame, symbol]
                if room.links[link].well:
                    continue
                row, closed = room.links[link].row, room.links[link].row + behind
                own = room.frames[frame].words
                add_both(arena, closed, row, total, own)
                room.links[link].well = same_rows(arena, row, closed, own)
        arena[total : total + words] = ZERO
