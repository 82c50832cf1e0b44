"""What both passes ask of a layer: its class, its states, where a text may end."""

from grammar.loading import borrowing, inlined_borrowing

from .rows import ONE, ZERO, clear
from .tables import ANY, STOP


@borrowing
def class_of(tables, cell):
    """The class of a cell: of all tokens, behind the classes, for a hole, and one without any."""
    last = tables.class_spans.shape[0] - 3
    return cell if cell >= 0 else last + (cell != ANY)


@inlined_borrowing
def enter(room, layer, values, here):
    """Of each state of a layer the value of its item."""
    for item in range(room.states[layer], room.begins[layer + 1]):
        here[room.item_node[item]] = values[item]


@borrowing
def most_words(room, length):
    """The most words that the rows of one layer have."""
    most = 0
    for layer in range(length + 1):
        most = max(most, room.width[layer] * (room.begins[layer + 1] - room.begins[layer] + 1))
    return most


@borrowing
def row_of(arena, at, node, words, top):
    """The row of a node, an empty one if it has none yet, and the end of the arena."""
    if at[node] < 0:
        at[node] = top
        clear(arena, top, words)
        top += words
    return at[node], top


@borrowing
def accept(tables, room, layer, at, top):
    """Makes the states good in which a text may end with the layer."""
    for item in range(room.states[layer], room.begins[layer + 1]):
        state = room.item_node[item]
        if tables.finals[state] and room.arena[room.item_row[item]] & ONE != ZERO:
            row, top = row_of(room.arena, at, state, room.width[layer], top)
            room.arena[row] |= ONE
    return top


@borrowing
def accepts(tables, room, layer):
    for item in range(room.states[layer], room.begins[layer + 1]):
        if tables.finals[room.item_node[item]] and room.arena[room.item_row[item]] & ONE != ZERO:
            return True
    return False


@borrowing
def tail_of(cells, can_stop):
    """The first layer from which on nothing but stop tokens, or holes for them, stand."""
    layer = cells.shape[0]
    while can_stop and layer and (cells[layer - 1] == ANY or cells[layer - 1] == STOP):
        layer -= 1
    return layer
