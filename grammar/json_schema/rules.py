"""Shapes as rules of a grammar: how objects, arrays and values are written.

The names of an object may come in any order where they are few (`FREE`): the automaton then knows
which of them were read. Of more names the order is the one in which the schema mentions them. Other
names may come at any place in the first case, and behind those in the second. A name that the
schema spells out never repeats.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, Final

from grammar.errors import LimitError
from grammar.json_schema.documents import SchemaError, SchemaLimitError
from grammar.json_schema.expander import Expander
from grammar.json_schema.languages import ALL, NONE, Language, finite
from grammar.json_schema.shapes import (
    FALSE,
    TRUE,
    ArrayCell,
    Goal,
    ObjectCell,
    Shape,
    both,
)
from grammar.json_schema.spell import Speller, number
from grammar.nodes import EMPTY, Alt, Automaton, Call, Chars, Node, Seq, literal, star

FREE: Final = 5
"""The most names of an object that may come in any order."""

STATES: Final = 20_000
"""The most states of one array or object."""

RULES: Final = 5_000
"""The most rules of a schema's grammar."""

Edge = tuple[Node, Any]


class Rules:
    """The rules that goals need."""

    def __init__(self, expander: Expander, whitespace: bool):
        self.expander, self.speller = expander, Speller()
        self.space: Node = star(Chars(((9, 10), (13, 13), (32, 32)))) if whitespace else EMPTY
        self.names: dict[Shape, str] = {}
        self.waiting: list[tuple[Shape, str]] = []
        self.pairs: dict[tuple[str | Language, Goal], str] = {}

    def call(self, goal: Goal) -> Node:
        """A goal's values: by a rule, one for all goals of a shape, or in place if simple."""
        shape = self.expander.shape(goal)
        if not shape.arrays and not shape.objects and shape.strings in (ALL, NONE):
            return self.value(shape)
        if shape not in self.names:
            self.names[shape] = f"value {len(self.names)}"
            self.waiting.append((shape, self.expander.path(goal)))
            if len(self.names) > RULES:
                raise LimitError(f"a schema must need at most {RULES} rules, got more")
        return Call(self.names[shape])

    def build(self, root: Goal) -> dict[str, Node]:
        """All rules; `start` is the root's value with space around it."""
        rules: dict[str, Node] = {"start": Seq((self.space, self.call(root), self.space))}
        while self.waiting:
            shape, path = self.waiting.pop()
            try:
                rules[self.names[shape]] = self.value(shape)
            except LimitError as error:
                if isinstance(error, SchemaError):
                    raise
                raise SchemaLimitError(path, "", str(error)) from None
        return rules | self.speller.rules

    def value(self, shape: Shape) -> Node:
        parts: list[Node] = [literal("null")] if shape.null else []
        parts += [literal(str(value).lower()) for value in sorted(shape.booleans)]
        parts += [number(shape.numbers)] if shape.numbers.rows else []
        parts += [self.speller.string(shape.strings)] if shape.strings.rows else []
        parts += [self.array(cell) for cell in shape.arrays]
        parts += [self.object(cell) for cell in self._named(shape.objects)]
        return Alt(tuple(parts))

    # Arrays

    def array(self, cell: ArrayCell) -> Node:
        """The texts of a cell of arrays."""
        if cell.unique and (cell.high is None or cell.high > 1):
            self._refuse(cell.where, "uniqueItems", "must have maxItems <= 1 beside it")
        tops = [max(part.low, (part.high or 0) + (part.high is not None)) for part in cell.contains]
        last = max(len(cell.prefix), cell.low, cell.high or 0, *(p.start for p in cell.contains), 0)

        def step(state: Any) -> Iterator[Edge]:
            kind, index, counts = state
            if kind == "end":
                return
            if kind != "ready" and self._enough(cell, index, counts):
                yield literal("]"), ("end", 0, ())
            if kind == "after":
                yield Seq((literal(","), self.space)), ("ready", index, counts)
                return
            if cell.high is not None and index >= cell.high:
                return
            for goal, after in self._items(cell, index, counts, tops):
                item = Seq((self.call(goal), self.space))
                yield item, ("after", min(index + 1, last), after)

        start = ("first", 0, (0,) * len(cell.contains))
        return Seq((literal("["), self.space, _automaton(start, step)))

    def _enough(self, cell: ArrayCell, index: int, counts: tuple[int, ...]) -> bool:
        pairs = zip(cell.contains, counts, strict=True)
        return index >= cell.low and all(
            part.low <= count and (part.high is None or count <= part.high) for part, count in pairs
        )

    def _items(
        self, cell: ArrayCell, index: int, counts: tuple[int, ...], tops: list[int]
    ) -> Iterator[tuple[Goal, tuple[int, ...]]]:
        """What the next item may be, by what it counts for."""
        choices = []
        for part, count, top in zip(cell.contains, counts, tops, strict=True):
            if index < part.start or (part.high is None and count >= top):
                choices.append([(TRUE, count)])
                continue
            counted = [(part.goal, count + 1)] if part.high is None or count < part.high else []
            choices.append([*counted, (part.other if part.high is not None else TRUE, count)])
        for chosen in product(*choices):
            goal = both(cell.item(index), *(goal for goal, _ in chosen))
            if goal != FALSE:
                yield goal, tuple(count for _, count in chosen)

    # Objects

    def _named(self, cells: tuple[ObjectCell, ...]) -> Iterator[ObjectCell]:
        """Cells without `some`: each is met by a name that is spelled out, or cannot be met."""
        for cell in cells:
            if not cell.some:
                yield cell
                continue
            (names, goal), left = cell.some[0], cell.some[1:]
            if any(
                (language & names).rows and not self.expander.impossible(both(goal, open_goal))
                for language, open_goal in self._open(cell)
            ):
                rule = "must not ask for a property whose name is not spelled out: it may repeat"
                self._refuse(cell.where, "", rule)
            met = (_met(cell, name, goal, left) for name in cell.names() if name in names)
            yield from self._named(tuple(met))

    def object(self, cell: ObjectCell) -> Node:
        """The texts of a cell of objects without `some`."""
        goals = cell.goals()
        needed = set(cell.required)
        possible = {n: goal for n, goal in goals.items() if not self.expander.impossible(goal)}
        if needed - set(possible):
            return Alt(())
        others = [
            (language, goal)
            for language, goal in self._open(cell)
            if not self.expander.impossible(goal)
        ]
        if others and cell.low > len(needed) + 1:
            rule = "must be at most one more than the required names: other names may repeat"
            self._refuse(cell.where, "minProperties", rule)
            cell = replace(cell, low=len(needed) + 1)
        free = len(possible) <= FREE
        pairs = [self._pair(name, goal, free) for name, goal in possible.items()]
        loops = [self._pair(names, goal, True) for names, goal in others]
        members = _Members(
            pairs,
            loops,
            [name in needed for name in possible],
            free,
            cell.low if cell.low > len(needed) else 0,
            cell.high if others or (cell.high or 0) < len(pairs) else None,
            self.space,
        )
        return Seq((literal("{"), self.space, _automaton(("first", 0, 0), members.step)))

    def _open(self, cell: ObjectCell) -> list[tuple[Language, Goal]]:
        """The names that are not spelled out, parted by what their values have to reach."""
        parts: list[tuple[Language, Goal]] = [(ALL - finite(cell.names()), TRUE)]
        for names, goal in cell.keyed:
            cut = [(language & names, both(known, goal)) for language, known in parts]
            parts = [*cut, *((language - names, known) for language, known in parts)]
            parts = [(language, known) for language, known in parts if language.rows]
        joined: dict[Goal, Language] = {}
        for language, goal in parts:
            if goal != FALSE:
                joined[goal] = joined[goal] | language if goal in joined else language
        return [(language, goal) for goal, language in joined.items()]

    def _pair(self, name: str | Language, goal: Goal, shared: bool) -> Node:
        """A name (or any of a language), its value and the space behind it; by a rule if shared."""
        if shared and (name, goal) in self.pairs:
            return Call(self.pairs[name, goal])
        speller, space = self.speller, self.space
        written = speller.text(name) if isinstance(name, str) else speller.string(name)
        node = Seq((written, space, literal(":"), space, self.call(goal), space))
        if not shared:
            return node
        rule = self.pairs[name, goal] = f"pair {len(self.pairs)}"
        speller.rules[rule] = node
        return Call(rule)

    def _refuse(self, path: str, keyword: str, rule: str) -> None:
        error = SchemaError(path, keyword, rule)
        if not self.expander.lenient:
            raise error
        self.expander.dropped[f"{keyword} at {path or '/'}"] = None


def _met(cell: ObjectCell, name: str, goal: Goal, left: tuple[Any, ...]) -> ObjectCell:
    """A cell with one `some` met by the value of a name."""
    named, required = (*cell.named, (name, goal)), tuple(dict.fromkeys((*cell.required, name)))
    return replace(cell, named=named, required=required, some=left)


@dataclass(frozen=True)
class _Members:
    """The members of an object behind its brace: which may come, and when it may close.

    A state is (kind, progress, count). Kinds: nothing read yet (`first`), a member has to come
    (`ready`), one has come (`after`), closed (`end`). Progress: the names read, as bits, where the
    order is free; else the number of names that are behind. Count: members, no further than needed.
    """

    pairs: list[Node]
    loops: list[Node]
    required: list[bool]
    free: bool
    low: int
    high: int | None
    space: Node

    def step(self, state: tuple[str, int, int]) -> Iterator[Edge]:
        kind, progress, count = state
        if kind == "end":
            return
        if kind != "ready" and count >= self.low and self.complete(progress):
            yield literal("}"), ("end", 0, 0)
        if kind == "after":
            yield Seq((literal(","), self.space)), ("ready", progress, count)
        elif self.high is None or count < self.high:
            top = self.low if self.high is None else self.high
            for node, after in self.members(progress):
                yield node, ("after", after, min(count + 1, top))
            if not self.free and progress < len(self.pairs) and not self.required[progress]:
                yield EMPTY, ("ready", progress + 1, count)

    def members(self, progress: int) -> Iterator[tuple[Node, int]]:
        """The members that may come now, with the progress behind them."""
        if self.free:
            bits = ((pair, 1 << index) for index, pair in enumerate(self.pairs))
            yield from ((pair, progress | bit) for pair, bit in bits if not progress & bit)
        elif progress < len(self.pairs):
            yield self.pairs[progress], progress + 1
        if self.free or progress == len(self.pairs):
            yield from ((loop, progress) for loop in self.loops)

    def complete(self, progress: int) -> bool:
        """Whether no required name is missing."""
        if not self.free:
            return not any(self.required[progress:])
        return all(progress >> index & 1 for index, need in enumerate(self.required) if need)


def _automaton(start: Any, step: Callable[[Any], Iterator[Edge]]) -> Automaton:
    """The automaton of a step function over states that are tuples; one called `end` is final."""
    numbers, waiting, rows = {start: 0}, [start], []
    for state in waiting:
        row = []
        for node, target in step(state):
            if target not in numbers:
                numbers[target] = len(numbers)
                waiting.append(target)
            row.append((node, numbers[target]))
        rows.append(tuple(row))
        if len(numbers) > STATES:
            raise LimitError(f"an array or object must need at most {STATES} states, got more")
    ends = frozenset(number for state, number in numbers.items() if state[0] == "end")
    return Automaton(tuple(rows), ends)
