"""Keywords of arrays."""

from grammar.json_schema.arguments import count_of, list_of
from grammar.json_schema.documents import Place, SchemaError
from grammar.json_schema.expander import Expander, Parts
from grammar.json_schema.parts import of_arrays
from grammar.json_schema.shapes import FALSE, NOTHING, TRUE, ArrayCell, Contains


def prefix_items(self: Expander, place: Place, sign: bool, notes: bool) -> Parts:
    yield from _prefix(self, place, "prefixItems", sign, notes)


def _prefix(self: Expander, place: Place, keyword: str, sign: bool, notes: bool) -> Parts:
    count = len(list_of(place, keyword, object))
    places = [self.documents.at(place, keyword, index) for index in range(count)]
    if sign:
        goals = tuple(map(self.goal, places))
        yield of_arrays(ArrayCell(goals, seen=count if notes else 0), sign=True)
        return
    for index, part in enumerate(places):
        goal = self.goal(part, False)
        yield of_arrays(ArrayCell((TRUE,) * index + (goal,), low=index + 1), sign=False)


def items(self: Expander, place: Place, sign: bool, notes: bool) -> Parts:
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
        yield of_arrays(ArrayCell((TRUE,) * count, goal, seen_all=notes), sign=True)
    elif goal != FALSE:
        yield of_arrays(ArrayCell(contains=(Contains(goal, TRUE, 1, None, count),)), sign=False)


def additional_items(self: Expander, place: Place, sign: bool, notes: bool) -> Parts:
    first = place.value.get("items")
    if isinstance(first, list) and (place.dialect < 2020 or not place.stated):
        additional = self.documents.at(place, "additionalItems")
        yield from _rest(self, additional, len(first), sign, notes)


def min_items(_self: Expander, place: Place, sign: bool, _notes: bool) -> Parts:
    count = count_of(place, "minItems")
    if sign:
        yield of_arrays(ArrayCell(low=count), sign=True)
    elif count:
        yield of_arrays(ArrayCell(high=count - 1), sign=False)


def max_items(_self: Expander, place: Place, sign: bool, _notes: bool) -> Parts:
    count = count_of(place, "maxItems")
    yield of_arrays(ArrayCell(high=count) if sign else ArrayCell(low=count + 1), sign=sign)


def contains(self: Expander, place: Place, sign: bool, notes: bool) -> Parts:
    inside = self.documents.at(place, "contains")
    goal, other = self.goal(inside), self.goal(inside, False)
    counted = place.dialect >= 2019
    low = count_of(place, "minContains") if counted and "minContains" in place.value else 1
    high = count_of(place, "maxContains") if counted and "maxContains" in place.value else None
    if sign:
        seen = frozenset({goal}) if notes and place.dialect >= 2020 else frozenset()
        found = () if not low and high is None else (Contains(goal, other, low, high),)
        if high is None or low <= high:
            yield of_arrays(ArrayCell(contains=found, seen_goals=seen), sign=True)
        else:
            yield of_arrays(sign=True)
        return
    if low:
        yield of_arrays(ArrayCell(contains=(Contains(goal, other, 0, low - 1),)), sign=False)
    if high is not None:
        yield of_arrays(ArrayCell(contains=(Contains(goal, other, high + 1, None),)), sign=False)


def unique_items(_self: Expander, place: Place, sign: bool, _notes: bool) -> Parts:
    if place.value["uniqueItems"] is not True:
        if sign:
            return
        yield NOTHING
    elif sign:
        yield of_arrays(ArrayCell(unique=True, where=place.path), sign=True)
    else:
        raise SchemaError(place.path, "uniqueItems", "must not be negated, items are not compared")
