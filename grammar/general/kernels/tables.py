"""What the passes read and where they write."""

from collections import namedtuple

FULL, WIDE = -2, -3
"""What a pass returns without enough room: for anything, for the frames of one record."""

WORDS, ITEMS, FRAMES, LINKS, LISTS, GROUPS, CROWDS, POPS, DEBTS = range(9)
"""Counters of the room: what is in use."""

BASE, EPOCH, LIVE, RECORD, STAMP, WIDTH, GOOD = range(9, 16)
"""Further ones. Rows name frames by their distance from `BASE`; `EPOCH` is the first link of these
frames, `LIVE` how many were met at the last fold, `RECORD` the record that is made, `WIDTH` the
most words of a record whose frames `holders` knows. `STAMP` never falls. What is good of a row of
the arena lies `GOOD` words behind it: one pass changes nothing that the other one has made."""

Tables = namedtuple(
    "Tables",
    "begins pop pushes target list_symbol list_rest finals node_operation node_next"
    " operations ends pairs pair_state pair_target",
)
"""`grammar.general.tables.Content`'s arrays; `ends` is the number of states of the reader. Behind
them of each operation where its pairs of states begin: one, and one that it leads to."""

Plans = namedtuple(
    "Plans",
    "crowds silents inner outer"
    " crowd_sources crowd_groups source group_operation group_arcs arc_node arc_classes arc_class"
    " silent_from silent_to silent_classes silent_class nodes ends",
)
"""Plans one behind the other; the first four say where the parts of each begin."""

FIELDS = {
    "items": "state row next debt origin",
    "frames": "rest target words links origin",
    "links": "symbol frame row well same stamp next sibling origin mix",
    "lists": "node head first last",
    "crowds": "head words",
    "groups": "head first last",
    "pops": "symbol row below next mix",
    "debts": "pop good next",
    "records": "lists crowds groups pops words zero epoch links",
}
"""What is written of each thing, a number a field."""

SCRATCH = (
    "arena holders scratch renamed link_of place head heads entry pop_head counters marks"
    " ahead soon wants"
)

Room = namedtuple("Room", (*FIELDS, *SCRATCH.split()))
"""Where the passes write. A pop is a set of frames that return to one point and what lies below
them; the same ones are asked for again and again. A debt is what is good below a pop of an item,
not yet said to the item. An origin is what a fold has copied. `marks` has the counters behind each
record. `ahead`, `soon` and `wants` are rows of looking ahead. `well` says that
a link was left well above all of its frames. `place` (of states of the machine),
`head` (of nodes) and `entry` (of states of the reader) are scratch, -1 between two uses."""
