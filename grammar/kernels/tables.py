"""What the passes read and where they write."""

from collections import namedtuple

POP, PUSH, TEST = 1, 2, 3
ANY, STOP = -1, -2

Tables = namedtuple(
    "Tables",
    "finals start class_spans span_node span_set set_begins set_sources effect_begins"
    " effect_classes takes_all operation symbol future pop pop_begins symbols",
)
"""A machine and its classes, `grammar.native.build_native`'s.

A span is a node and the set of states from which a class leads to it. The spans of a class lie in
a row, inner nodes first, falling, then states; behind the classes is one of all tokens. The effects
are the sources of its spans, in a row; of each the classes that have it. `takes_all` nodes have all
that comes there in their row, others the frames of their symbol alone."""

Room = namedtuple(
    "Room",
    "arena item_node item_row item_id frame_symbol frame_row frame_closed frame_first frame_size"
    " begins states width frames",
)
"""Where the passes write. Items are nodes of layers that something reaches; states of a layer with
the same row have the same `item_id`, below their number. `begins`, `states` (of each layer, where
its items and where the states among them begin), `width` and `frames` are of each layer."""

Frames = namedtuple("Frames", "open_bits closed common bits slot uses rows top")
"""What the pass from the right knows of frames, by words of 64.

`open_bits` are the frames that have not come to their push;
`closed` those that are closed well above all their parents; `common` the parents that the frames
of a word and a symbol have in common. Of each pop: `bits`, the frames that are to remember what is
in their word's `slot`; `uses`, how many words a slot has; and `rows`, where the slots lie that have
been needed. `top` is the end of the arena."""
