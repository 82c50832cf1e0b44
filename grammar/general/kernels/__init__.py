"""The two passes over the lattice of a canvas, compiled by numba where it is installed.

A record is one position of the canvas, or the end of the text behind one. It reads the lists of
the record before it (one a state of the reader) and makes its own. A list is a set of items, one a
state of the machine; an item's row says which frames may be on top of the stack, as bits. A list is
made for each crowd of states of the reader that do the same, for each group of the record's plan
(what a crowd says first), for each inner node and for each state of the reader.

A step reads one kind of lexeme in all items of a list. Where a rule is called, it makes a frame.
All calls of the step that come to the same state with the same return points above are one frame:
nothing that happens above it tells them apart. Where it returns to, and above which frames, are
links of the frame. Backward, a link remembers above which of its frames it was left well.

No annotations: this package is loaded past the import hook of run-time type checkers, see
`grammar.loading`. Plain, the functions run as they are: slowly, and without being compiled.
"""

from .ahead import look_ahead
from .backward import backward
from .forward import accepts, again, begin, forward
from .tables import FIELDS, FULL, RECORD, WIDE, Plans, Room, Tables

__all__ = [
    "FIELDS",
    "FULL",
    "RECORD",
    "WIDE",
    "Plans",
    "Room",
    "Tables",
    "accepts",
    "again",
    "backward",
    "begin",
    "forward",
    "look_ahead",
]
