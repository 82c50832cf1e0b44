"""What the passes read and where they write."""

from collections import namedtuple

POP, PUSH, TEST = 1, 2, 3
ANY, STOP = -1, -2

Tables = namedtuple(
    "Tables",
    "finals start source_begins effect_source effect_node class_begins class_effects"
    " operation symbol future pop pop_begins symbols",
)
"""A machine and its classes, `grammar.native.build_native`'s."""

Room = namedtuple(
    "Room",
    "arena item_node item_row frame_symbol frame_row frame_closed frame_first frame_size"
    " begins states width frames",
)
"""Where the passes write. Items are nodes of layers; `begins`, `states` (of each layer, where its
items and where the states among them begin), `width` and `frames` are of each layer."""

Frames = namedtuple("Frames", "of_symbol open_bits common bits slot uses rows top")
"""What the pass from the right knows of frames, by words of 64.

`of_symbol` are the frames of each symbol; `open_bits` those that have not come to their push;
`common` the parents that the frames of a word and a symbol have in common. Of each pop: `bits`, the
frames that are to remember what is in their word's `slot`; `uses`, how many words a slot has; and
`rows`, where the slots lie that have been needed. `top` is the end of the arena."""
