"""Keywords that ask other schemas about the same value."""

from collections.abc import Iterator
from functools import reduce
from itertools import combinations, product

from grammar.json_schema.arguments import list_of
from grammar.json_schema.documents import Place, SchemaError
from grammar.json_schema.expander import Expander, Parts
from grammar.json_schema.shapes import ANYTHING, NOTHING, Shape


def _several(self: Expander, place: Place, keyword: str) -> list[Place]:
    count = len(list_of(place, keyword, object))
    return [self.documents.at(place, keyword, index) for index in range(count)]


def all_of(self: Expander, place: Place, sign: bool, notes: bool) -> Parts:
    for part in _several(self, place, "allOf"):
        yield self.of(part, sign, notes)


def any_of(self: Expander, place: Place, sign: bool, notes: bool) -> Parts:
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


def one_of(self: Expander, place: Place, sign: bool, notes: bool) -> Parts:
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


def negation(self: Expander, place: Place, sign: bool, _notes: bool) -> Parts:
    yield self.of(self.documents.at(place, "not"), not sign)


def conditional(self: Expander, place: Place, sign: bool, notes: bool) -> Parts:
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


def ref(self: Expander, place: Place, sign: bool, notes: bool) -> Parts:
    yield self.of(self.documents.resolve(place, "$ref"), sign, notes)


def dynamic_ref(self: Expander, place: Place, sign: bool, notes: bool) -> Parts:
    found = self.documents.resolve(place, "$dynamicRef")
    anchor = found.value.get("$dynamicAnchor") if isinstance(found.value, dict) else None
    named = str(place.value["$dynamicRef"]).rpartition("#")[2]
    if anchor is not None and anchor == named and len(self.documents.dynamic[anchor]) > 1:
        rule = f"must have one $dynamicAnchor to lead to, got several named {anchor!r}"
        raise SchemaError(place.path, "$dynamicRef", rule)
    yield self.of(found, sign, notes)


def recursive_ref(_self: Expander, place: Place, _sign: bool, _notes: bool) -> Parts:
    rule = "must be written as $ref or $dynamicRef"
    raise SchemaError(place.path, "$recursiveRef", rule)
