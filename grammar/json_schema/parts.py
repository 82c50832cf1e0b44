"""Shapes that speak of one type: beside all values of others, or (with sign False) alone."""

from dataclasses import replace

from grammar.json_schema.languages import ALL, Language
from grammar.json_schema.numbers import NUMBERS
from grammar.json_schema.shapes import ANYTHING, ArrayCell, ObjectCell, Shape


def of_strings(language: Language, sign: bool) -> Shape:
    return replace(ANYTHING, strings=language) if sign else Shape(strings=ALL - language)


def of_numbers(language: Language, sign: bool) -> Shape:
    return replace(ANYTHING, numbers=language) if sign else Shape(numbers=NUMBERS - language)


def of_arrays(*cells: ArrayCell, sign: bool) -> Shape:
    """Arrays of any of the cells: beside all values of other types, or (False) alone."""
    return replace(ANYTHING, arrays=cells) if sign else Shape(arrays=cells)


def of_objects(*cells: ObjectCell, sign: bool) -> Shape:
    return replace(ANYTHING, objects=cells) if sign else Shape(objects=cells)


def opposite(shape: Shape) -> Shape:
    """The values of a shape that holds arrays and objects all or not at all not to be in it."""
    return Shape(
        not shape.null,
        frozenset({True, False}) - shape.booleans,
        NUMBERS - shape.numbers,
        ALL - shape.strings,
        () if shape.arrays else (ArrayCell(),),
        () if shape.objects else (ObjectCell(),),
    )
