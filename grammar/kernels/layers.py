"""What both passes ask of a layer: its states, the effects of its cell, where a text may end."""

from grammar.loading import kernel

from .rows import ONE, ZERO, clear
from .tables import ANY, STOP


@kernel
def effects_of(tables, room, layer, here, cell, active):
    """The effects of a cell whose source is in the layer, and how many."""
    number = 0
    if cell == ANY:
        for item in range(room.states[layer], room.begins[layer + 1]):
            state = room.item_node[item]
            for effect in range(tables.source_begins[state], tables.source_begins[state + 1]):
                active[number] = effect
                number += 1
    elif cell >= 0:
        for k in range(tables.class_begins[cell], tables.class_begins[cell + 1]):
            effect = tables.class_effects[k]
            if here[tables.effect_source[effect]] >= 0:
                active[number] = effect
                number += 1
    return number


@kernel
def enter(room, layer, here):
    """The rows of a layer's states, by state."""
    for item in range(room.states[layer], room.begins[layer + 1]):
        here[room.item_node[item]] = room.item_row[item]


@kernel
def leave(room, layer, here):
    for item in range(room.states[layer], room.begins[layer + 1]):
        here[room.item_node[item]] = -1


@kernel
def most_words(room, length):
    """The most words that the rows of one layer have."""
    most = 0
    for layer in range(length + 1):
        most = max(most, room.width[layer] * (room.begins[layer + 1] - room.begins[layer] + 1))
    return most


@kernel
def row_of(arena, at, node, words, top):
    """The row of a node, an empty one if it has none yet, and the end of the arena."""
    if at[node] < 0:
        at[node] = top
        clear(arena, top, words)
        top += words
    return at[node], top


@kernel
def accept(tables, room, layer, at, top):
    """Makes the states good in which a text may end with the layer."""
    for item in range(room.states[layer], room.begins[layer + 1]):
        state = room.item_node[item]
        if tables.finals[state] and room.arena[room.item_row[item]] & ONE != ZERO:
            row, top = row_of(room.arena, at, state, room.width[layer], top)
            room.arena[row] |= ONE
    return top


@kernel
def accepts(tables, room, layer):
    for item in range(room.states[layer], room.begins[layer + 1]):
        if tables.finals[room.item_node[item]] and room.arena[room.item_row[item]] & ONE != ZERO:
            return True
    return False


@kernel
def tail_of(cells, can_stop):
    """The first layer from which on nothing but stop tokens, or holes for them, stand."""
    layer = cells.shape[0]
    while can_stop and layer and (cells[layer - 1] == ANY or cells[layer - 1] == STOP):
        layer -= 1
    return layer
