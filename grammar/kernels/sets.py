"""The sets of states that lead to nodes, and the rows of their states together."""

from collections import namedtuple

import numpy as np

from grammar.loading import borrowing, inlined_borrowing, kernel

from .rows import copy, join
from .shared import COUNTERS, MARK, ROW, STAMP, TOP, keep

Sets = namedtuple("Sets", "begins sources rows sizes hashes alike slots versions row layers")
"""Of a set `rows` are the different ones of its states, by number, and `sizes` how many these are,
in a version of the numbers. `alike` is a set with the same ones; `slots` finds it by their hash,
among the sets of this version alone.
`row` is what they are together in a layer."""


@kernel
def make_sets(tables):
    """Nothing is known of any set."""
    begins, sources, size = tables.set_begins, tables.set_sources, 64
    while size < 2 * begins.shape[0]:
        size *= 2
    sizes, slots = np.zeros(begins.shape[0], np.int64), np.full(size, -1, np.int64)
    row, layers = np.zeros_like(sizes), np.zeros_like(sizes)
    hashes, alike, versions = np.zeros_like(sizes), np.zeros_like(sizes), np.zeros_like(sizes)
    rows = np.zeros_like(sources)
    return Sets(begins, sources, rows, sizes, hashes, alike, slots, versions, row, layers)


@inlined_borrowing
def enter_sets(room, layer, here, sets, version):
    """Of each state of a layer its row's number, -1 of others, in place of the last layer's.

    Another version where they have changed.
    """
    first, end = room.states[layer], room.begins[layer + 1]
    before = room.states[layer - 1] if layer else 0
    same = layer > 0 and end - first == room.begins[layer] - before
    for item in range(first, end):
        same &= here[room.item_node[item]] == room.item_id[item]
    if same:
        return version
    for item in range(before, room.begins[layer]):
        here[room.item_node[item]] = -1
    for item in range(first, end):
        here[room.item_node[item]] = room.item_id[item]
    sets.slots[:] = -1  # those of old versions would fill them up
    return version + 1


@borrowing
def _list_rows(sets, shelf, number, here):
    """Lists the different rows of a set's states."""
    begin, found, hashed = sets.begins[number], 0, 0
    shelf[COUNTERS, STAMP] += 1
    for k in range(begin, sets.begins[number + 1]):
        own = here[sets.sources[k]]
        if own >= 0 and shelf[MARK, own] != shelf[COUNTERS, STAMP]:
            shelf[MARK, own] = shelf[COUNTERS, STAMP]
            sets.rows[begin + found] = own
            hashed = (hashed + own + 1) * 0x9E3779B1 & 0x7FFFFFFF
            found += 1
    sets.sizes[number], sets.hashes[number] = found, hashed


@borrowing
def _same_rows(sets, one, other):
    size, first, second = sets.sizes[one], sets.begins[one], sets.begins[other]
    same = size == sets.sizes[other]
    for k in range(size if same else 0):
        same &= sets.rows[first + k] == sets.rows[second + k]
    return same


@borrowing
def _find_alike(sets, number):
    """Another set with the same rows in this version, or the set itself."""
    last = sets.slots.shape[0] - 1
    slot = sets.hashes[number] >> 5 & last
    while sets.slots[slot] >= 0:
        other = sets.slots[slot]
        if sets.hashes[other] == sets.hashes[number] and _same_rows(sets, number, other):
            return other
        slot = slot + 1 & last
    sets.slots[slot] = number
    return number


@borrowing
def _find_row(sets, arena, shelf, number, layer, words):
    """The row of a set in a layer, by number."""
    begin, size = sets.begins[number], sets.sizes[number]
    own = sets.rows[begin] if size else -1
    if size > 1:
        top = shelf[COUNTERS, TOP]
        copy(arena, top, shelf[ROW, own], words)
        for k in range(begin + 1, begin + size):
            join(arena, top, shelf[ROW, sets.rows[k]], words)
        own = keep(arena, shelf, words)
    sets.row[number], sets.layers[number] = own, layer
    return own


@borrowing
def _renew(sets, shelf, number, here, version):
    """What a set is in another version."""
    _list_rows(sets, shelf, number, here)
    sets.alike[number] = _find_alike(sets, number)
    sets.versions[number] = version


@inlined_borrowing
def row_of_set(sets, arena, shelf, number, layer, here, version, words):
    """The row of a set of states, by number: of its states' rows together."""
    if sets.versions[number] != version:
        _renew(sets, shelf, number, here, version)
    alike = sets.alike[number]
    if sets.layers[alike] == layer:
        return sets.row[alike]
    return _find_row(sets, arena, shelf, alike, layer, words)
