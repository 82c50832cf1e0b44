"""From keywords to shapes, positively and negatively.

Every schema is expanded once with each sign. `not` flips the sign, `anyOf` is a union, `oneOf` is
one positive and all others negative, `if` is a case distinction: nothing is approximated. Where
`unevaluated…` asks what was evaluated, cells say so, and `anyOf` is split by which of its schemas
hold.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import reduce
from itertools import product
from typing import Any, Final

from grammar.errors import GrammarError, LimitError
from grammar.json_schema.documents import Documents, Place, SchemaError, SchemaLimitError
from grammar.json_schema.languages import ALL
from grammar.json_schema.shapes import (
    ANYTHING,
    FALSE,
    NOTHING,
    TRUE,
    ArrayCell,
    Cell,
    Contains,
    Goal,
    ObjectCell,
    Shape,
    both,
    merged,
    without_notes,
)

CELLS: Final = 2_000
"""The most alternatives that a schema may have for arrays, and for objects."""

WORK: Final = 100_000
"""The most alternatives that are looked at for a whole document."""

LOOK: Final = 6
"""So deep is looked for properties that no value can have, to drop alternatives early."""


OUTER: Final = ("unevaluatedItems", "unevaluatedProperties")
"""Keywords that are read behind all others of their schema."""

SINCE: Final = {
    "const": 6,
    "contains": 6,
    "propertyNames": 6,
    "if": 7,
    "dependentRequired": 2019,
    "dependentSchemas": 2019,
    "$recursiveRef": 2019,
    "prefixItems": 2020,
    "$dynamicRef": 2020,
}
"""The drafts in which keywords begin to mean something; the others always do."""


class _BusyError(Exception):
    """What is looked for is being expanded just now."""


class Expander:
    """Shapes of goals, each computed once. `keywords` are what is read, in this order."""

    def __init__(
        self,
        documents: Documents,
        keywords: Mapping[str, Callable[..., Iterator[Shape]]],
        lenient: bool,
        formats: bool,
    ):
        self.documents, self.keywords = documents, keywords
        self.lenient, self.formats = lenient, formats
        self.dropped: dict[str, None] = {}
        self.work = 0
        self.entries: list[Place | tuple[Goal, ...]] = []
        self.keys: dict[Any, int] = {}
        self.expanded: dict[tuple[int, bool, bool], Shape] = {}
        self.shapes: dict[Goal, Shape] = {}
        self.stack: list[tuple[int, bool, bool] | None] = []
        self.looks: dict[Goal, bool] = {}

    # Goals

    def key(self, entry: Place | tuple[Goal, ...]) -> int:
        """The number of a schema, or of a union of goals."""
        name = id(entry.value) if isinstance(entry, Place) else entry
        if name not in self.keys:
            self.keys[name] = len(self.entries)
            self.entries.append(entry)
        return self.keys[name]

    def goal(self, place: Place, sign: bool = True) -> Goal:
        """That a value matches a schema, or with the sign False that it does not."""
        if isinstance(place.value, bool) or place.value == {}:
            return TRUE if (place.value is not False) == sign else FALSE
        if not isinstance(place.value, dict):
            rule = f"must be an object, true or false, got {place.value!r:.40}"
            raise SchemaError(place.path, "", rule)
        return frozenset({(self.key(place), sign)})

    def unlike(self, goal: Goal) -> Goal:
        """That a goal is not reached."""
        if goal in (TRUE, FALSE):
            return FALSE if goal == TRUE else TRUE
        if len(goal) == 1:
            ((key, sign),) = goal
            return frozenset({(key, not sign)})
        return self.either(tuple(frozenset({(key, not sign)}) for key, sign in sorted(goal)))

    def either(self, goals: Sequence[Goal]) -> Goal:
        """That one of the goals is reached."""
        left = tuple(dict.fromkeys(goal for goal in goals if goal != FALSE))
        if not left or TRUE in left:
            return TRUE if left else FALSE
        return left[0] if len(left) == 1 else frozenset({(self.key(left), True)})

    # Shapes

    def shape(self, goal: Goal) -> Shape:
        """What values reach a goal."""
        if goal == FALSE:
            return NOTHING
        if goal not in self.shapes:
            parts = (self.expand(key, sign, False) for key, sign in sorted(goal))
            self.shapes[goal] = reduce(self.conjoin, parts, ANYTHING)
        return self.shapes[goal]

    def expand(self, key: int, sign: bool, notes: bool) -> Shape:
        """The shape of one signed schema; `notes` keeps what is evaluated."""
        question = (key, sign, notes)
        if question not in self.expanded:
            entry = self.entries[key]
            self._enter(question, entry)
            try:
                if isinstance(entry, Place):
                    shape = self._schema(entry, sign, notes and sign)
                else:
                    shape = self._either(entry, sign)
            except LimitError as error:
                raise self._placed(error, entry) from None
            finally:
                self.stack.pop()
            self.expanded[question] = shape
        return self.expanded[question]

    def _enter(self, question: tuple[int, bool, bool], entry: Place | tuple[Goal, ...]) -> None:
        if question in self.stack:
            if None in self.stack[self.stack.index(question) :]:
                raise _BusyError
            path = entry.path if isinstance(entry, Place) else ""
            raise SchemaError(path, "$ref", "must not lead back to itself without a step inside")
        self.stack.append(question)

    def _placed(self, error: LimitError, entry: Place | tuple[Goal, ...]) -> LimitError:
        """A limit that the keywords of a schema reach together, with the schema's place."""
        if isinstance(error, SchemaError) or not isinstance(entry, Place):
            return error
        return SchemaLimitError(entry.path, "", str(error))

    def path(self, goal: Goal) -> str:
        """Where a goal's first schema stands."""
        entries = (self.entries[key] for key, _ in sorted(goal) if key >= 0)
        return next((entry.path for entry in entries if isinstance(entry, Place)), "")

    def _either(self, goals: tuple[Goal, ...], sign: bool) -> Shape:
        if sign:
            return reduce(Shape.__or__, map(self.shape, goals), NOTHING)
        return reduce(self.conjoin, (self.shape(self.unlike(goal)) for goal in goals), ANYTHING)

    def of(self, place: Place, sign: bool = True, notes: bool = False) -> Shape:
        """The shape of a schema at the same value."""
        goal = self.goal(place, sign)
        if goal in (TRUE, FALSE):
            return ANYTHING if goal == TRUE else NOTHING
        ((key, _),) = goal
        return self.expand(key, sign, notes)

    def conjoin(self, one: Shape, two: Shape) -> Shape:
        """The values of both shapes."""
        if one is ANYTHING or two is ANYTHING:
            return two if one is ANYTHING else one
        return Shape(
            one.null and two.null,
            one.booleans & two.booleans,
            one.numbers & two.numbers,
            one.strings & two.strings,
            self._pairs(one.arrays, two.arrays),
            self._pairs(one.objects, two.objects),
        )

    def _pairs(self, ones: tuple[Cell, ...], twos: tuple[Cell, ...]) -> tuple[Cell, ...]:
        self.work += len(ones) * len(twos)
        if self.work > WORK:
            raise LimitError(f"a schema must need at most {WORK} alternatives, got more")
        cells: dict[Cell, None] = {}
        for one, two in product(ones, twos):
            cell = two if one.trivial else one if two.trivial else one & two
            if one.trivial or two.trivial or not self._dead(cell):
                cells[cell] = None
        if len(cells) > CELLS:
            raise LimitError(f"a schema must have at most {CELLS} alternatives, got more")
        return merged(cells)

    def _dead(self, cell: ArrayCell | ObjectCell) -> bool:
        """Whether a cell is seen to hold nothing, at once or by what it requires."""
        if cell.empty:
            return True
        if isinstance(cell, ObjectCell):
            goals = cell.goals() if cell.required else {}
            return any(self.impossible(goals[name]) for name in cell.required)
        return any(self.impossible(cell.item(index)) for index in range(min(cell.low, 32)))

    def impossible(self, goal: Goal) -> bool:
        """Whether no value is seen to reach a goal; False also where that was not found out."""
        if goal in (TRUE, FALSE):
            return goal == FALSE
        if goal not in self.looks:
            if self.stack.count(None) >= LOOK:
                return False
            self.stack.append(None)
            depth = len(self.stack)
            try:
                self.looks[goal] = self.shape(goal).empty
            except (_BusyError, GrammarError):
                return False
            finally:
                del self.stack[depth - 1 :]
        return self.looks[goal]

    # Schemas

    def _schema(self, place: Place, sign: bool, notes: bool) -> Shape:
        value = place.value
        keywords = [keyword for keyword in self.keywords if keyword in value]
        if place.dialect <= 7 and "$ref" in value:
            keywords = ["$ref"]
        keywords = [keyword for keyword in keywords if place.dialect >= SINCE.get(keyword, 4)]
        outer = [keyword for keyword in OUTER if keyword in value and place.dialect >= 2019]
        inner = notes or bool(outer)
        parts = [
            part
            for keyword in keywords
            for part in self._keyword(place, keyword, sign, inner and sign)
        ]
        if sign:
            shape = reduce(self.conjoin, parts, ANYTHING)
        else:
            shape = reduce(Shape.__or__, parts, NOTHING)
        for index, keyword in enumerate(outer):
            shape = self._unevaluated(place, keyword, sign, shape, tuple(outer[:index]))
        return shape if notes or not inner else without_notes(shape)

    def _keyword(self, place: Place, keyword: str, sign: bool, notes: bool) -> list[Shape]:
        """The shapes of one keyword: its parts, all of which (or with False, one of which) hold."""
        try:
            return list(self.keywords[keyword](self, place, sign, notes))
        except GrammarError as error:
            if not isinstance(error, SchemaError):
                limit = isinstance(error, LimitError)
                kind = SchemaLimitError if limit else SchemaError
                error = kind(place.path, keyword, str(error))
            if not self.lenient:
                raise error from None
            self.dropped[f"{keyword} at {place.path or '/'}"] = None
            return []

    def _unevaluated(
        self, place: Place, keyword: str, sign: bool, shape: Shape, before: tuple[str, ...]
    ) -> Shape:
        """`unevaluatedProperties` or `unevaluatedItems` behind all other keywords."""
        goal = self.goal(self.documents.at(place, keyword))
        if not sign:
            rest = {key: part for key, part in place.value.items() if key not in OUTER}
            rest |= {key: place.value[key] for key in before}
            others = self.expand(self.key(self.documents.made(place, rest)), True, True)
            return shape | self._left(keyword, others, self.unlike(goal), False)
        return self._left(keyword, shape, goal, True)

    def _left(self, keyword: str, shape: Shape, goal: Goal, sign: bool) -> Shape:
        """What is not evaluated: all of it, or some of it, reaches the goal."""
        if keyword == "unevaluatedProperties":
            objects = tuple(_left_names(cell, goal, sign) for cell in shape.objects)
            objects = tuple(cell for cell in objects if not self._dead(cell))
            return replace(shape, objects=objects) if sign else Shape(objects=objects)
        arrays = tuple(self._left_items(cell, goal, sign) for cell in shape.arrays)
        arrays = tuple(cell for cell in arrays if not self._dead(cell))
        return replace(shape, arrays=arrays) if sign else Shape(arrays=arrays)

    def _left_items(self, cell: ArrayCell, goal: Goal, sign: bool) -> ArrayCell:
        if cell.seen_all:
            return cell if sign else replace(cell, low=1, high=0)
        seen = sorted(cell.seen_goals, key=sorted)
        if not sign:
            missed = both(goal, *map(self.unlike, seen))
            found = Contains(missed, TRUE, 1, None, cell.seen)
            return replace(cell, contains=(*cell.contains, found), seen_all=True)
        goal = self.either((*seen, goal))
        count = max(len(cell.prefix), cell.seen)
        items = [cell.item(index) for index in range(count)]
        items[cell.seen :] = [both(item, goal) for item in items[cell.seen :]]
        return replace(cell, prefix=tuple(items), rest=both(cell.rest, goal), seen_all=True)


def _left_names(cell: ObjectCell, goal: Goal, sign: bool) -> ObjectCell:
    rest = ALL - cell.seen
    if sign:
        return replace(cell, keyed=(*cell.keyed, (rest, goal)), seen=ALL)
    return replace(cell, some=(*cell.some, (rest, goal)), seen=ALL)


Parts = Iterator[Shape]
"""What a keyword says: shapes all of which hold of a value; of a negated one, one of which does."""

Handler = Callable[[Expander, Place, bool, bool], Parts]
"""A keyword's shapes at a schema, with its sign, and whether to keep what is evaluated."""
