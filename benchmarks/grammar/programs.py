"""Made-up programs of the C++ subset, cut into tokens, with regions to fill."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from grammar import MASK, Vocabulary

NAMES = """count total index value left right size limit result item node next first last sum
offset width height buffer scale score rate level depth"""
WORDS = NAMES.split()
"""What names are made of, one or two of them: a program is renamed by another seed."""

TYPES = ("int", "double", "long", "bool", "std::string", "std::vector<int>", "auto")
OPERATORS = "+ - * / % < > <= >= == != && || << >>".split()  # noqa: SIM905

KEYWORDS = """if else for while do return break continue switch case default using namespace
template typename class struct static constexpr const int double long bool char void auto float
true false nullptr this std vector string map size begin end push_back main cout"""
MARKS = """( ) { } [ ] ; , . :: -> = + - * / % < > <= >= == != && || ! ++ -- << >> & ? : += -= *= /=
(); () ); )) )); }; }} [] [i ({ >( (( ++) +1 <int"""
LINES = [
    *("\n" + " " * (4 * depth) for depth in range(6)),
    *(mark + "\n" + " " * (4 * depth) for depth in range(5) for mark in ";{}"),
    *(" {\n", "}\n\n", ") {\n", "#include <", ">\n", '"\n', "//", " // ", "/*", "*/"),
]
CODE = [
    space + text for text in [*KEYWORDS.split(), *MARKS.split(), *WORDS] for space in ("", " ")
] + LINES
"""Tokens as vocabularies that were trained on code have."""


class _Writer:
    """Programs by chance; names come into being as they are needed."""

    def __init__(self, rng: np.random.Generator):
        self.rng = rng

    def pick(self, options: Sequence[str]) -> str:
        return options[int(self.rng.integers(len(options)))]

    def name(self) -> str:
        return self.pick(WORDS) + (f"_{self.pick(WORDS)}" if self.rng.random() < 0.3 else "")

    def expression(self, depth: int = 2) -> str:
        kind = int(self.rng.integers(6)) if depth else int(self.rng.integers(2))
        if kind < 2:
            return self.name() if kind else str(int(self.rng.integers(100)))
        inner = self.expression(depth - 1)
        if kind == 2:
            return f"{inner} {self.pick(OPERATORS)} {self.expression(depth - 1)}"
        if kind == 3:
            return f"{self.name()}({inner}, {self.expression(depth - 1)})"
        return f"({inner})" if kind == 4 else f"{self.name()}[{inner}]"

    def statement(self, indent: str, depth: int = 2) -> str:
        kind = int(self.rng.integers(7)) if depth else int(self.rng.integers(3))
        if kind == 0:
            return f"{indent}{self.pick(TYPES)} {self.name()} = {self.expression()};\n"
        if kind == 1:
            return f"{indent}{self.name()} += {self.expression()};\n"
        if kind == 2:
            return f"{indent}{self.name()}.push_back({self.expression()});\n"
        body = self.block(indent, depth - 1)
        if kind == 3:
            return f"{indent}if ({self.expression()}) {body}\n"
        if kind == 4:
            return f"{indent}while ({self.expression()}) {body}\n"
        if kind == 5:
            name = self.name()
            limit = self.expression(1)
            return f"{indent}for (int {name} = 0; {name} < {limit}; {name}++) {body}\n"
        return f"{indent}if ({self.expression(1)}) {body} else {self.block(indent, depth - 1)}\n"

    def block(self, indent: str, depth: int) -> str:
        number = int(self.rng.integers(1, 4))
        lines = "".join(self.statement(indent + "    ", depth) for _ in range(number))
        return f"{{\n{lines}{indent}}}"

    def function(self) -> str:
        parameters = ", ".join(
            f"{self.pick(TYPES[:-1])} {self.name()}" for _ in range(int(self.rng.integers(1, 4)))
        )
        lines = "".join(self.statement("    ") for _ in range(int(self.rng.integers(2, 5))))
        last = f"    return {self.expression()};\n"
        return f"{self.pick(TYPES[:-1])} {self.name()}({parameters}) {{\n{lines}{last}}}\n"


def program(seed: int) -> str:
    """A program of one function, with another seed other names and other statements."""
    writer = _Writer(np.random.default_rng(seed))
    return "#include <vector>\n#include <string>\n\n" + writer.function()


class Cutter:
    """Text into tokens, the longest first."""

    def __init__(self, vocabulary: Vocabulary):
        self.ids: dict[bytes, int] = {}
        for token in range(len(vocabulary.tokens)):
            self.ids.setdefault(vocabulary.written(token), token)
        self.longest = max(map(len, self.ids))

    def __call__(self, text: str) -> list[int]:
        left, cut = text.encode(), []
        while left:
            size = next(n for n in range(self.longest, 0, -1) if left[:n] in self.ids)
            cut.append(self.ids[left[:size]])
            left = left[size:]
        return cut


def with_regions(canvas: list[int], number: int, size: int, rng: np.random.Generator) -> list[int]:
    """The canvas with so many regions of `size` tokens as holes, apart from one another."""
    bounds = np.linspace(0, len(canvas), number + 1).astype(int)
    holed = list(canvas)
    for low, high in pairwise(bounds.tolist()):
        own = min(size, high - low - 2)
        begin = int(rng.integers(low + 1, high - own))
        holed[begin : begin + own] = [MASK] * own
    return holed
