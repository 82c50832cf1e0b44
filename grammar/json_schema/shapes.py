"""What a schema says of a value, sorted by the value's type: the normal form of schemas.

A shape is a union over the six types. Of a number or a text it keeps one language. Of an array or
an object it keeps cells, any one of which has to hold; a cell is a conjunction whose parts are
goals. A goal is a set of signed schemas that must all hold of one value: it names them and does not
look into them, so recursion ends here.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Final, TypeVar

from grammar.json_schema.languages import ALL, NONE, Language
from grammar.json_schema.numbers import NUMBERS

Goal = frozenset[tuple[int, bool]]
"""Schemas by number, each with its sign: True has to hold, False must not."""

TRUE: Final[Goal] = frozenset()
FALSE: Final[Goal] = frozenset({(-1, True)})


def both(*goals: Goal) -> Goal:
    """All goals at once; a plain contradiction is `FALSE`."""
    goal = frozenset().union(*goals)
    return (
        FALSE if (-1, True) in goal or any((key, not sign) in goal for key, sign in goal) else goal
    )


@dataclass(frozen=True)
class Contains:
    """From index `start` on, `low` to `high` items that reach `goal`; the others reach `other`."""

    goal: Goal
    other: Goal
    low: int
    high: int | None
    start: int = 0


@dataclass(frozen=True)
class ArrayCell:
    """Items by index, then the rest, and how many."""

    prefix: tuple[Goal, ...] = ()
    rest: Goal = TRUE
    low: int = 0
    high: int | None = None
    contains: tuple[Contains, ...] = ()
    unique: bool = False
    seen: int = 0
    """So many items at the beginning are evaluated (for `unevaluatedItems`)."""
    seen_all: bool = False
    seen_goals: frozenset[Goal] = frozenset()
    """Items that reach one of these are evaluated."""
    where: str = field(default="", compare=False)

    @property
    def trivial(self) -> bool:
        """Whether every array is in it, and none of its items is evaluated."""
        return self == ArrayCell()

    @property
    def empty(self) -> bool:
        return self.high is not None and self.high < self.low

    def item(self, index: int) -> Goal:
        return self.prefix[index] if index < len(self.prefix) else self.rest

    def __and__(self, other: "ArrayCell") -> "ArrayCell":
        count = max(len(self.prefix), len(other.prefix))
        return ArrayCell(
            tuple(both(self.item(index), other.item(index)) for index in range(count)),
            both(self.rest, other.rest),
            max(self.low, other.low),
            _least(self.high, other.high),
            tuple(dict.fromkeys((*self.contains, *other.contains))),
            self.unique or other.unique,
            max(self.seen, other.seen),
            self.seen_all or other.seen_all,
            self.seen_goals | other.seen_goals,
            self.where or other.where,
        )


@dataclass(frozen=True)
class ObjectCell:
    """Properties by name and by sets of names, and how many."""

    named: tuple[tuple[str, Goal], ...] = ()
    keyed: tuple[tuple[Language, Goal], ...] = ()
    """Every name in the language leads to a value that reaches the goal."""
    required: tuple[str, ...] = ()
    some: tuple[tuple[Language, Goal], ...] = ()
    """Some name in the language leads to a value that reaches the goal."""
    low: int = 0
    high: int | None = None
    seen: Language = NONE
    """The names that are evaluated (for `unevaluatedProperties`)."""
    where: str = field(default="", compare=False)

    @property
    def trivial(self) -> bool:
        """Whether every object is in it, and none of its properties is evaluated."""
        return self == ObjectCell()

    @property
    def empty(self) -> bool:
        return self.high is not None and self.high < max(self.low, len(self.required))

    def names(self) -> tuple[str, ...]:
        """All names that are spelled out, in order."""
        return tuple(dict.fromkeys((*(name for name, _ in self.named), *self.required)))

    def goal(self, name: str) -> Goal:
        """What the value of a name has to reach."""
        return self._goal(name, [goal for known, goal in self.named if known == name])

    def goals(self) -> dict[str, Goal]:
        """`goal` of all names that are spelled out."""
        known: dict[str, list[Goal]] = {name: [] for name in self.names()}
        for name, goal in self.named:
            known[name].append(goal)
        return {name: self._goal(name, own) for name, own in known.items()}

    def _goal(self, name: str, own: list[Goal]) -> Goal:
        return both(*own, *(goal for language, goal in self.keyed if name in language))

    def __and__(self, other: "ObjectCell") -> "ObjectCell":
        return ObjectCell(
            tuple(dict.fromkeys((*self.named, *other.named))),
            tuple(dict.fromkeys((*self.keyed, *other.keyed))),
            tuple(dict.fromkeys((*self.required, *other.required))),
            tuple(dict.fromkeys((*self.some, *other.some))),
            max(self.low, other.low),
            _least(self.high, other.high),
            self.seen | other.seen,
            self.where or other.where,
        )


def _least(one: int | None, two: int | None) -> int | None:
    return two if one is None else one if two is None else min(one, two)


@dataclass(frozen=True)
class Shape:
    """The values of a schema, type by type."""

    null: bool = False
    booleans: frozenset[bool] = frozenset()
    numbers: Language = NONE
    strings: Language = NONE
    arrays: tuple[ArrayCell, ...] = ()
    objects: tuple[ObjectCell, ...] = ()

    @property
    def empty(self) -> bool:
        scalars = self.null or self.booleans or self.numbers.rows or self.strings.rows
        return not (scalars or self.arrays or self.objects)

    def __or__(self, other: "Shape") -> "Shape":
        return Shape(
            self.null or other.null,
            self.booleans | other.booleans,
            self.numbers | other.numbers,
            self.strings | other.strings,
            _union(self.arrays, other.arrays),
            _union(self.objects, other.objects),
        )


Cell = TypeVar("Cell", ArrayCell, ObjectCell)


def _union(one: tuple[Cell, ...], two: tuple[Cell, ...]) -> tuple[Cell, ...]:
    return merged((*one, *two))


def merged(cells: Iterable[Cell]) -> tuple[Cell, ...]:
    """Each cell once; one that holds everything stands alone, if no annotations are kept."""
    once = tuple(dict.fromkeys(cells))
    plain = next((cell for cell in once if cell.trivial), None)
    return once if plain is None or any(map(_annotated, once)) else (plain,)


def without_notes(shape: "Shape") -> "Shape":
    """A shape that does not say what is evaluated."""
    arrays = (replace(c, seen=0, seen_all=False, seen_goals=frozenset()) for c in shape.arrays)
    objects = (replace(cell, seen=NONE) for cell in shape.objects)
    return replace(shape, arrays=merged(arrays), objects=merged(objects))


def _annotated(cell: ArrayCell | ObjectCell) -> bool:
    """Whether something is noted as evaluated."""
    if isinstance(cell, ObjectCell):
        return bool(cell.seen.rows)
    return bool(cell.seen or cell.seen_all or cell.seen_goals)


ANYTHING: Final = Shape(
    True, frozenset({True, False}), NUMBERS, ALL, (ArrayCell(),), (ObjectCell(),)
)
NOTHING: Final = Shape()
