"""From keywords to shapes, positively and negatively.

Every schema is expanded once with each sign. `not` flips the sign, `anyOf` is a union, `oneOf` is
one positive and all others negative, `if` is a case distinction: nothing is approximated. Where
`unevaluated…` asks what was evaluated, cells say so, and `anyOf` is split by which of its schemas
hold.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import reduce
from itertools import combinations, product
from typing import Any, Final

from grammar.errors import GrammarError, LimitError
from grammar.json_schema.documents import Documents, Place, SchemaError, SchemaLimitError
from grammar.json_schema.formats import format_language
from grammar.json_schema.languages import ALL, NONE, Language, finite, lengths
from grammar.json_schema.numbers import INTEGERS, NUMBERS, WHOLE, compared, equal, exact, multiples
from grammar.json_schema.patterns import search
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

LARGEST: Final = 10_000
"""The largest bound of a length or a number of items."""


class _BusyError(Exception):
    """What is looked for is being expanded just now."""


class Expander:
    """Shapes of goals, each computed once."""

    def __init__(self, documents: Documents, lenient: bool, formats: bool):
        self.documents, self.lenient, self.formats = documents, lenient, formats
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
            return any(self.impossible(cell.goal(name)) for name in cell.required)
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
        keywords = [keyword for keyword in KEYWORDS if keyword in value]
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
            return list(KEYWORDS[keyword](self, place, sign, notes))
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


def _strings(language: Language, sign: bool) -> Shape:
    return replace(ANYTHING, strings=language) if sign else Shape(strings=ALL - language)


def _numbers(language: Language, sign: bool) -> Shape:
    return replace(ANYTHING, numbers=language) if sign else Shape(numbers=NUMBERS - language)


def _arrays(*cells: ArrayCell, sign: bool) -> Shape:
    """Arrays of any of the cells: beside all values of other types, or (False) alone."""
    return replace(ANYTHING, arrays=cells) if sign else Shape(arrays=cells)


def _objects(*cells: ObjectCell, sign: bool) -> Shape:
    return replace(ANYTHING, objects=cells) if sign else Shape(objects=cells)


def _opposite(shape: Shape) -> Shape:
    """The values of a shape that holds arrays and objects all or not at all not to be in it."""
    return Shape(
        not shape.null,
        frozenset({True, False}) - shape.booleans,
        NUMBERS - shape.numbers,
        ALL - shape.strings,
        () if shape.arrays else (ArrayCell(),),
        () if shape.objects else (ObjectCell(),),
    )


def _count(place: Place, keyword: str) -> int:
    """A keyword's value as a number of things."""
    value = place.value[keyword]
    whole = isinstance(value, int | float | Decimal) and not isinstance(value, bool)
    if not whole or value != int(value) or value < 0:
        raise SchemaError(place.path, keyword, f"must be a whole number >= 0, got {value!r:.40}")
    if value > LARGEST:
        rule = f"must be at most {LARGEST}, got {value!r:.40}"
        raise SchemaLimitError(place.path, keyword, rule)
    return int(value)


def _number(place: Place, keyword: str) -> Decimal:
    value = place.value[keyword]
    if not isinstance(value, int | float | Decimal) or isinstance(value, bool):
        raise SchemaError(place.path, keyword, f"must be a number, got {value!r:.40}")
    return exact(value)


def _list(place: Place, keyword: str, of: type, value: Any = None) -> list[Any]:
    value = place.value[keyword] if value is None else value
    if not isinstance(value, list) or not all(isinstance(part, of) for part in value):
        kind = "texts" if of is str else "schemas" if of is object else "values"
        raise SchemaError(place.path, keyword, f"must be a list of {kind}, got {value!r:.40}")
    return value


def _map(place: Place, keyword: str) -> dict[str, Any]:
    value = place.value[keyword]
    if not isinstance(value, dict):
        raise SchemaError(place.path, keyword, f"must be an object, got {value!r:.40}")
    return value


Parts = Iterator[Shape]

# Any type

TYPES: Final = {
    "null": Shape(null=True),
    "boolean": Shape(booleans=frozenset({True, False})),
    "number": Shape(numbers=NUMBERS),
    "integer": Shape(numbers=INTEGERS),
    "string": Shape(strings=ALL),
    "array": Shape(arrays=(ArrayCell(),)),
    "object": Shape(objects=(ObjectCell(),)),
}


def _type(_self: Expander, place: Place, sign: bool, _notes: bool) -> Parts:
    named = place.value["type"]
    shape = NOTHING
    for name in [named] if isinstance(named, str) else _list(place, "type", str):
        if name not in TYPES:
            rule = f"must be one of {', '.join(TYPES)}, got {name!r:.40}"
            raise SchemaError(place.path, "type", rule)
        whole = name == "integer" and place.dialect == 4
        shape |= Shape(numbers=WHOLE) if whole else TYPES[name]
    yield shape if sign else _opposite(shape)


def _const(self: Expander, place: Place, sign: bool, _notes: bool) -> Parts:
    yield _values(self, place, "const", [place.value["const"]], sign)


def _enum(self: Expander, place: Place, sign: bool, _notes: bool) -> Parts:
    yield _values(self, place, "enum", _list(place, "enum", object), sign)


def _values(self: Expander, place: Place, keyword: str, values: list[Any], sign: bool) -> Shape:
    """Any of some values, or none of them."""
    booleans = frozenset(value for value in values if isinstance(value, bool))
    numbers = [
        v for v in values if isinstance(v, int | float | Decimal) and not isinstance(v, bool)
    ]
    scalars = Shape(
        None in values,
        booleans,
        reduce(Language.__or__, map(equal, dict.fromkeys(numbers)), NONE),
        finite(value for value in values if isinstance(value, str)),
    )
    shape = scalars if sign else _opposite(scalars)
    for index, value in enumerate(values):
        if isinstance(value, list | dict):
            made = self.documents.made(place, _spelled_out(value), keyword, index)
            part = self.of(replace(made, dialect=2020), sign)
            shape = shape | part if sign else self.conjoin(shape, part)
    return shape


def _spelled_out(value: Any) -> dict[str, Any]:
    """A schema for one value, without `const` for arrays and objects."""
    if isinstance(value, list):
        items = [_spelled_out(part) for part in value]
        return {
            "type": "array",
            "prefixItems": items,
            "items": False,
            "minItems": len(value),
        }
    if isinstance(value, dict):
        return {
            "type": "object",
            "properties": {name: _spelled_out(part) for name, part in value.items()},
            "required": list(value),
            "additionalProperties": False,
        }
    return {"const": value}


# Numbers and texts


_ABOVE: Final = frozenset({1})
_BELOW: Final = frozenset({-1})
_AT: Final = frozenset({0})
"""How a number may compare with a bound."""


def _bound(keyword: str, orders: frozenset[int], other: str = "") -> "Handler":
    """A bound of a number; in draft 4 a flag beside it, `other`, makes it exclusive."""

    def handle(_self: Expander, place: Place, sign: bool, _notes: bool) -> Parts:
        if place.dialect == 4 and not other:
            return
        strict = place.dialect == 4 and place.value.get(other) is True
        kept = orders - _AT if strict else orders
        yield _numbers(compared(_number(place, keyword), kept.__contains__), sign)

    return handle


def _multiple_of(_self: Expander, place: Place, sign: bool, _notes: bool) -> Parts:
    of = _number(place, "multipleOf")
    if of <= 0:
        raise SchemaError(place.path, "multipleOf", f"must be > 0, got {of}")
    yield _numbers(multiples(of), sign)


def _min_length(_self: Expander, place: Place, sign: bool, _notes: bool) -> Parts:
    yield _strings(lengths(_count(place, "minLength"), None), sign)


def _max_length(_self: Expander, place: Place, sign: bool, _notes: bool) -> Parts:
    yield _strings(lengths(0, _count(place, "maxLength")), sign)


def _pattern(_self: Expander, place: Place, sign: bool, _notes: bool) -> Parts:
    if not isinstance(place.value["pattern"], str):
        got = f"{place.value['pattern']!r:.40}"
        raise SchemaError(place.path, "pattern", f"must be a text, got {got}")
    yield _strings(search(place.value["pattern"]), sign)


def _format(self: Expander, place: Place, sign: bool, _notes: bool) -> Parts:
    language = format_language(place.value["format"]) if self.formats else None
    if language is not None:
        yield _strings(language, sign)


# Arrays


def _prefix_items(self: Expander, place: Place, sign: bool, notes: bool) -> Parts:
    yield from _prefix(self, place, "prefixItems", sign, notes)


def _prefix(self: Expander, place: Place, keyword: str, sign: bool, notes: bool) -> Parts:
    count = len(_list(place, keyword, object))
    places = [self.documents.at(place, keyword, index) for index in range(count)]
    if sign:
        goals = tuple(map(self.goal, places))
        yield _arrays(ArrayCell(goals, seen=count if notes else 0), sign=True)
        return
    for index, part in enumerate(places):
        goal = self.goal(part, False)
        yield _arrays(ArrayCell((TRUE,) * index + (goal,), low=index + 1), sign=False)


def _items(self: Expander, place: Place, sign: bool, notes: bool) -> Parts:
    value = place.value["items"]
    if isinstance(value, list):
        if place.dialect == 2020 and place.stated:
            raise SchemaError(place.path, "items", "must be a schema, got a list")
        yield from _prefix(self, place, "items", sign, notes)
        return
    prefix = place.value.get("prefixItems") if place.dialect == 2020 else None
    count = len(prefix) if isinstance(prefix, list) else 0
    yield from _rest(self, self.documents.at(place, "items"), count, sign, notes)


def _rest(self: Expander, place: Place, count: int, sign: bool, notes: bool) -> Parts:
    """The items behind the first `count`."""
    goal = self.goal(place, sign)
    if sign:
        yield _arrays(ArrayCell((TRUE,) * count, goal, seen_all=notes), sign=True)
    elif goal != FALSE:
        yield _arrays(ArrayCell(contains=(Contains(goal, TRUE, 1, None, count),)), sign=False)


def _additional_items(self: Expander, place: Place, sign: bool, notes: bool) -> Parts:
    first = place.value.get("items")
    if isinstance(first, list) and (place.dialect < 2020 or not place.stated):
        additional = self.documents.at(place, "additionalItems")
        yield from _rest(self, additional, len(first), sign, notes)


def _min_items(_self: Expander, place: Place, sign: bool, _notes: bool) -> Parts:
    count = _count(place, "minItems")
    if sign:
        yield _arrays(ArrayCell(low=count), sign=True)
    elif count:
        yield _arrays(ArrayCell(high=count - 1), sign=False)


def _max_items(_self: Expander, place: Place, sign: bool, _notes: bool) -> Parts:
    count = _count(place, "maxItems")
    yield _arrays(ArrayCell(high=count) if sign else ArrayCell(low=count + 1), sign=sign)


def _contains(self: Expander, place: Place, sign: bool, notes: bool) -> Parts:
    inside = self.documents.at(place, "contains")
    goal, other = self.goal(inside), self.goal(inside, False)
    counted = place.dialect >= 2019
    low = _count(place, "minContains") if counted and "minContains" in place.value else 1
    high = _count(place, "maxContains") if counted and "maxContains" in place.value else None
    if sign:
        seen = frozenset({goal}) if notes and place.dialect >= 2020 else frozenset()
        found = () if not low and high is None else (Contains(goal, other, low, high),)
        if high is None or low <= high:
            yield _arrays(ArrayCell(contains=found, seen_goals=seen), sign=True)
        else:
            yield _arrays(sign=True)
        return
    if low:
        yield _arrays(ArrayCell(contains=(Contains(goal, other, 0, low - 1),)), sign=False)
    if high is not None:
        yield _arrays(ArrayCell(contains=(Contains(goal, other, high + 1, None),)), sign=False)


def _unique_items(_self: Expander, place: Place, sign: bool, _notes: bool) -> Parts:
    if place.value["uniqueItems"] is not True:
        if sign:
            return
        yield NOTHING
    elif sign:
        yield _arrays(ArrayCell(unique=True, where=place.path), sign=True)
    else:
        raise SchemaError(place.path, "uniqueItems", "must not be negated, items are not compared")


# Objects


def _properties(self: Expander, place: Place, sign: bool, notes: bool) -> Parts:
    goals = {
        name: self.goal(self.documents.at(place, "properties", name), sign)
        for name in _map(place, "properties")
    }
    if sign:
        seen = finite(goals) if notes else NONE
        yield _objects(ObjectCell(tuple(goals.items()), seen=seen), sign=True)
        return
    for name, goal in goals.items():
        if goal != FALSE:
            yield _objects(ObjectCell(((name, goal),), required=(name,)), sign=False)


def _pattern_properties(self: Expander, place: Place, sign: bool, notes: bool) -> Parts:
    keyword, where = "patternProperties", place.path
    pairs = tuple(
        (search(pattern), self.goal(self.documents.at(place, keyword, pattern), sign))
        for pattern in _map(place, keyword)
    )
    if sign:
        seen = reduce(Language.__or__, (names for names, _ in pairs), NONE) if notes else NONE
        yield _objects(ObjectCell(keyed=pairs, seen=seen), sign=True)
        return
    for names, goal in pairs:
        if goal != FALSE:
            yield _objects(ObjectCell(some=((names, goal),), where=where), sign=False)


def _additional_properties(self: Expander, place: Place, sign: bool, notes: bool) -> Parts:
    known = finite(_map(place, "properties")) if "properties" in place.value else NONE
    if "patternProperties" in place.value:
        known = reduce(Language.__or__, map(search, _map(place, "patternProperties")), known)
    names = ALL - known
    goal = self.goal(self.documents.at(place, "additionalProperties"), sign)
    if sign:
        keyed = ((names, goal),) if goal != TRUE else ()
        yield _objects(ObjectCell(keyed=keyed, seen=names if notes else NONE), sign=True)
    elif goal != FALSE:
        yield _objects(ObjectCell(some=((names, goal),), where=place.path), sign=False)


def _property_names(self: Expander, place: Place, sign: bool, _notes: bool) -> Parts:
    names = ALL - self.of(self.documents.at(place, "propertyNames")).strings
    if sign:
        yield _objects(ObjectCell(keyed=((names, FALSE),)), sign=True)
    else:
        yield _objects(ObjectCell(some=((names, TRUE),), where=place.path), sign=False)


def _required(_self: Expander, place: Place, sign: bool, _notes: bool) -> Parts:
    names = _list(place, "required", str)
    if sign:
        yield _objects(ObjectCell(required=tuple(dict.fromkeys(names))), sign=True)
        return
    for name in names:
        yield _objects(ObjectCell(((name, FALSE),)), sign=False)


def _min_properties(_self: Expander, place: Place, sign: bool, _notes: bool) -> Parts:
    count = _count(place, "minProperties")
    if sign:
        yield _objects(ObjectCell(low=count, where=place.path), sign=True)
    elif count:
        yield _objects(ObjectCell(high=count - 1), sign=False)


def _max_properties(_self: Expander, place: Place, sign: bool, _notes: bool) -> Parts:
    count = _count(place, "maxProperties")
    cell = ObjectCell(high=count) if sign else ObjectCell(low=count + 1, where=place.path)
    yield _objects(cell, sign=sign)


def _dependent_required(_self: Expander, place: Place, sign: bool, _notes: bool) -> Parts:
    for name, others in _map(place, "dependentRequired").items():
        yield from _needs(name, _list(place, "dependentRequired", str, others), sign)


def _needs(name: str, others: list[str], sign: bool) -> Parts:
    """Where `name` is, the others are, too."""
    if sign:
        absent, present = ObjectCell(((name, FALSE),)), ObjectCell(required=(name, *others))
        yield _objects(absent, present, sign=True)
        return
    for other in others:
        yield _objects(ObjectCell(((other, FALSE),), required=(name,)), sign=False)


def _dependent_schemas(self: Expander, place: Place, sign: bool, notes: bool) -> Parts:
    for name in _map(place, "dependentSchemas"):
        part = self.documents.at(place, "dependentSchemas", name)
        yield from _implies(self, name, part, sign, notes)


def _implies(self: Expander, name: str, part: Place, sign: bool, notes: bool) -> Parts:
    """Where `name` is, the object matches a schema."""
    present = _objects(ObjectCell(required=(name,)), sign=False)
    held = self.conjoin(present, self.of(part, sign, notes))
    yield _objects(ObjectCell(((name, FALSE),)), sign=True) | held if sign else held


def _dependencies(self: Expander, place: Place, sign: bool, notes: bool) -> Parts:
    """Before 2019-09, and where no draft is named: both kinds in one keyword."""
    if place.stated and place.dialect >= 2019:
        return
    for name, value in _map(place, "dependencies").items():
        if isinstance(value, list):
            yield from _needs(name, _list(place, "dependencies", str, value), sign)
        else:
            part = self.documents.at(place, "dependencies", name)
            yield from _implies(self, name, part, sign, notes)


# Schemas at the same value


def _several(self: Expander, place: Place, keyword: str) -> list[Place]:
    count = len(_list(place, keyword, object))
    return [self.documents.at(place, keyword, index) for index in range(count)]


def _all_of(self: Expander, place: Place, sign: bool, notes: bool) -> Parts:
    for part in _several(self, place, "allOf"):
        yield self.of(part, sign, notes)


def _any_of(self: Expander, place: Place, sign: bool, notes: bool) -> Parts:
    parts = _several(self, place, "anyOf")
    if not sign:
        yield reduce(self.conjoin, (self.of(part, False) for part in parts), ANYTHING)
    elif not notes:
        yield reduce(Shape.__or__, map(self.of, parts), NOTHING)
    else:
        yield reduce(Shape.__or__, (shape for shape in _splits(self, parts)), NOTHING)


def _splits(self: Expander, parts: list[Place]) -> Iterator[Shape]:
    """The values by which of the schemas they match, one at least."""
    for signs in product((True, False), repeat=len(parts)):
        if any(signs):
            pairs = zip(parts, signs, strict=True)
            yield reduce(self.conjoin, (self.of(part, held, held) for part, held in pairs))


def _one_of(self: Expander, place: Place, sign: bool, notes: bool) -> Parts:
    parts = _several(self, place, "oneOf")
    if not sign:
        none = reduce(self.conjoin, (self.of(part, False) for part in parts), ANYTHING)
        two = (self.conjoin(self.of(a), self.of(b)) for a, b in combinations(parts, 2))
        yield reduce(Shape.__or__, two, none)
        return
    yield reduce(
        Shape.__or__,
        (_alone(self, parts, index, notes) for index in range(len(parts))),
        NOTHING,
    )


def _alone(self: Expander, parts: list[Place], index: int, notes: bool) -> Shape:
    """The values that match one schema and none of the others."""
    shape = self.of(parts[index], True, notes)
    for other, part in enumerate(parts):
        if other != index and not self.conjoin(shape, self.of(part)).empty:
            shape = self.conjoin(shape, self.of(part, False))
    return shape


def _not(self: Expander, place: Place, sign: bool, _notes: bool) -> Parts:
    yield self.of(self.documents.at(place, "not"), not sign)


def _if(self: Expander, place: Place, sign: bool, notes: bool) -> Parts:
    if not notes and "then" not in place.value and "else" not in place.value:
        return
    condition = self.documents.at(place, "if")
    shape = NOTHING
    for keyword, held in (("then", True), ("else", False)):
        case = self.of(condition, held, notes and held)
        if keyword in place.value:
            branch = self.of(self.documents.at(place, keyword), sign, notes)
        else:
            branch = ANYTHING if sign else NOTHING
        shape |= self.conjoin(case, branch)
    yield shape


def _ref(self: Expander, place: Place, sign: bool, notes: bool) -> Parts:
    yield self.of(self.documents.resolve(place, "$ref"), sign, notes)


def _dynamic_ref(self: Expander, place: Place, sign: bool, notes: bool) -> Parts:
    found = self.documents.resolve(place, "$dynamicRef")
    anchor = found.value.get("$dynamicAnchor") if isinstance(found.value, dict) else None
    named = str(place.value["$dynamicRef"]).rpartition("#")[2]
    if anchor is not None and anchor == named and len(self.documents.dynamic[anchor]) > 1:
        rule = f"must have one $dynamicAnchor to lead to, got several named {anchor!r}"
        raise SchemaError(place.path, "$dynamicRef", rule)
    yield self.of(found, sign, notes)


def _recursive_ref(_self: Expander, place: Place, _sign: bool, _notes: bool) -> Parts:
    rule = "must be written as $ref or $dynamicRef"
    raise SchemaError(place.path, "$recursiveRef", rule)


Handler = Callable[[Expander, Place, bool, bool], Parts]

KEYWORDS: Final[dict[str, Handler]] = {
    "type": _type,
    "const": _const,
    "enum": _enum,
    "minimum": _bound("minimum", _ABOVE | _AT, "exclusiveMinimum"),
    "maximum": _bound("maximum", _BELOW | _AT, "exclusiveMaximum"),
    "exclusiveMinimum": _bound("exclusiveMinimum", _ABOVE),
    "exclusiveMaximum": _bound("exclusiveMaximum", _BELOW),
    "multipleOf": _multiple_of,
    "minLength": _min_length,
    "maxLength": _max_length,
    "pattern": _pattern,
    "format": _format,
    "prefixItems": _prefix_items,
    "items": _items,
    "additionalItems": _additional_items,
    "minItems": _min_items,
    "maxItems": _max_items,
    "contains": _contains,
    "uniqueItems": _unique_items,
    "properties": _properties,
    "patternProperties": _pattern_properties,
    "additionalProperties": _additional_properties,
    "propertyNames": _property_names,
    "required": _required,
    "minProperties": _min_properties,
    "maxProperties": _max_properties,
    "dependentRequired": _dependent_required,
    "dependentSchemas": _dependent_schemas,
    "dependencies": _dependencies,
    "$ref": _ref,
    "$dynamicRef": _dynamic_ref,
    "$recursiveRef": _recursive_ref,
    "allOf": _all_of,
    "anyOf": _any_of,
    "oneOf": _one_of,
    "not": _not,
    "if": _if,
}
"""Every keyword that says something of a value, but for those of `OUTER`."""

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
