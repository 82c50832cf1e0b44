"""Keywords of objects."""

from functools import reduce

from grammar.json_schema.arguments import count_of, list_of, map_of
from grammar.json_schema.documents import Place
from grammar.json_schema.expander import Expander, Parts
from grammar.json_schema.languages import ALL, NONE, Language, finite
from grammar.json_schema.parts import of_objects
from grammar.json_schema.patterns import search
from grammar.json_schema.shapes import FALSE, TRUE, ObjectCell


def properties(self: Expander, place: Place, sign: bool, notes: bool) -> Parts:
    goals = {
        name: self.goal(self.documents.at(place, "properties", name), sign)
        for name in map_of(place, "properties")
    }
    if sign:
        seen = finite(goals) if notes else NONE
        yield of_objects(ObjectCell(tuple(goals.items()), seen=seen), sign=True)
        return
    for name, goal in goals.items():
        if goal != FALSE:
            yield of_objects(ObjectCell(((name, goal),), required=(name,)), sign=False)


def pattern_properties(self: Expander, place: Place, sign: bool, notes: bool) -> Parts:
    keyword, where = "patternProperties", place.path
    pairs = tuple(
        (search(pattern), self.goal(self.documents.at(place, keyword, pattern), sign))
        for pattern in map_of(place, keyword)
    )
    if sign:
        seen = reduce(Language.__or__, (names for names, _ in pairs), NONE) if notes else NONE
        yield of_objects(ObjectCell(keyed=pairs, seen=seen), sign=True)
        return
    for names, goal in pairs:
        if goal != FALSE:
            yield of_objects(ObjectCell(some=((names, goal),), where=where), sign=False)


def additional_properties(self: Expander, place: Place, sign: bool, notes: bool) -> Parts:
    known = finite(map_of(place, "properties")) if "properties" in place.value else NONE
    if "patternProperties" in place.value:
        known = reduce(Language.__or__, map(search, map_of(place, "patternProperties")), known)
    names = ALL - known
    goal = self.goal(self.documents.at(place, "additionalProperties"), sign)
    if sign:
        keyed = ((names, goal),) if goal != TRUE else ()
        yield of_objects(ObjectCell(keyed=keyed, seen=names if notes else NONE), sign=True)
    elif goal != FALSE:
        yield of_objects(ObjectCell(some=((names, goal),), where=place.path), sign=False)


def property_names(self: Expander, place: Place, sign: bool, _notes: bool) -> Parts:
    names = ALL - self.of(self.documents.at(place, "propertyNames")).strings
    if sign:
        yield of_objects(ObjectCell(keyed=((names, FALSE),)), sign=True)
    else:
        yield of_objects(ObjectCell(some=((names, TRUE),), where=place.path), sign=False)


def required(_self: Expander, place: Place, sign: bool, _notes: bool) -> Parts:
    names = list_of(place, "required", str)
    if sign:
        yield of_objects(ObjectCell(required=tuple(dict.fromkeys(names))), sign=True)
        return
    for name in names:
        yield of_objects(ObjectCell(((name, FALSE),)), sign=False)


def min_properties(_self: Expander, place: Place, sign: bool, _notes: bool) -> Parts:
    count = count_of(place, "minProperties")
    if sign:
        yield of_objects(ObjectCell(low=count, where=place.path), sign=True)
    elif count:
        yield of_objects(ObjectCell(high=count - 1), sign=False)


def max_properties(_self: Expander, place: Place, sign: bool, _notes: bool) -> Parts:
    count = count_of(place, "maxProperties")
    cell = ObjectCell(high=count) if sign else ObjectCell(low=count + 1, where=place.path)
    yield of_objects(cell, sign=sign)


def dependent_required(_self: Expander, place: Place, sign: bool, _notes: bool) -> Parts:
    for name, others in map_of(place, "dependentRequired").items():
        yield from _needs(name, list_of(place, "dependentRequired", str, others), sign)


def _needs(name: str, others: list[str], sign: bool) -> Parts:
    """Where `name` is, the others are, too."""
    if sign:
        absent, present = ObjectCell(((name, FALSE),)), ObjectCell(required=(name, *others))
        yield of_objects(absent, present, sign=True)
        return
    for other in others:
        yield of_objects(ObjectCell(((other, FALSE),), required=(name,)), sign=False)


def dependent_schemas(self: Expander, place: Place, sign: bool, notes: bool) -> Parts:
    for name in map_of(place, "dependentSchemas"):
        part = self.documents.at(place, "dependentSchemas", name)
        yield from _implies(self, name, part, sign, notes)


def _implies(self: Expander, name: str, part: Place, sign: bool, notes: bool) -> Parts:
    """Where `name` is, the object matches a schema."""
    present = of_objects(ObjectCell(required=(name,)), sign=False)
    held = self.conjoin(present, self.of(part, sign, notes))
    yield of_objects(ObjectCell(((name, FALSE),)), sign=True) | held if sign else held


def dependencies(self: Expander, place: Place, sign: bool, notes: bool) -> Parts:
    """Before 2019-09, and where no draft is named: both kinds in one keyword."""
    if place.stated and place.dialect >= 2019:
        return
    for name, value in map_of(place, "dependencies").items():
        if isinstance(value, list):
            yield from _needs(name, list_of(place, "dependencies", str, value), sign)
        else:
            part = self.documents.at(place, "dependencies", name)
            yield from _implies(self, name, part, sign, notes)
