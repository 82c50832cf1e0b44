"""Which parameters the tensors of a checkpoint are."""

from typing import NamedTuple


class Entry(NamedTuple):
    """One tensor: one parameter, several joined by rows, or one expert's share."""

    paths: tuple[str, ...]
    """The parameters that it holds, one after another along the first axis."""
    expert: int | None = None
    """Its place in parameters that stack the experts of a layer."""
    copy: bool = False
    """It repeats a parameter that another tensor is, and may be missing."""


Table = dict[str, Entry]
"""By name in the checkpoint."""
Shape = tuple[int, ...]


class Source(NamedTuple):
    """Where a parameter, or one expert's share of it, is found."""

    name: str
    first: int
    """The first row in the tensor."""


def shape_of(entry: Entry, shapes: dict[str, Shape]) -> Shape:
    """The shape that a tensor has, from those of parameters."""
    parts = [shapes[path][0 if entry.expert is None else 1 :] for path in entry.paths]
    return (sum(part[0] for part in parts), *parts[0][1:])


def sources(table: Table, shapes: dict[str, Shape]) -> dict[str, list[Source]]:
    """Of each parameter: where it is, or where each of its experts is, in order."""
    found: dict[str, dict[int, Source]] = {}
    for name, entry in table.items():
        first = 0
        for path in () if entry.copy else entry.paths:
            found.setdefault(path, {})[entry.expert or 0] = Source(name, first)
            first += shapes[path][0 if entry.expert is None else 1]
    return {path: [own[i] for i in range(len(own))] for path, own in found.items()}
