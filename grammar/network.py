"""A grammar as a recursive transition network: one automaton a rule, ready for a machine.

Four things are done to the rules, and each keeps the language. Code points become bytes, and bytes
become classes that the grammar cannot tell apart. A call then stands for the non-empty texts of its
rule, with a silent edge beside it where the rule also has the empty one. Calls of rules without any
text are removed. Left recursion becomes a loop: `A -> A x | y` is `y x*`, and a cycle through
several rules is first substituted away (Paull's algorithm), so that no call is the first thing that
the called rule does in turn.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from grammar.automaton import Deterministic, Nondeterministic, coarsest, determinise, relabel
from grammar.errors import EmptyLanguageError, GrammarError, LimitError
from grammar.nodes import Automaton, Call, Chars, Grammar, Node
from grammar.thompson import Thompson
from grammar.utf8 import byte_sequences

STATES = 50_000
"""The most states that a grammar may need, over all its rules, at any stage."""


INLINED = 500
"""Grammars of more states than this are left as they are; it is also what a rule may add."""

SHARED = 24
"""What a rule over symbols may add: with fewer return points, more of a canvas is shared."""


@dataclass(frozen=True)
class Network:
    """Automata of the rules, over classes of bytes (int labels) and calls (str labels)."""

    rules: dict[str, Deterministic]
    start: str
    class_of_byte: tuple[int, ...]
    """Of each of the 256 bytes; -1 where no rule reads it."""


class ByteBuilder(Nondeterministic, Thompson):
    """States with edges that read bytes, or call a rule."""

    def add_leaf(self, node: Node, begin: int, end: int) -> None:
        match node:
            case Chars():
                self.add_chars(node, begin, end)
            case Automaton():
                self.add_automaton(node, begin, end)
            case Call():
                self.edges[begin].append((node.name, end))
            case _:
                raise AssertionError(f"a rule has no {type(node).__name__}")

    def add_chars(self, node: Chars, begin: int, end: int) -> None:
        for low, high in node.ranges:
            for sequence in byte_sequences(low, high):
                state = begin
                for position, pair in enumerate(sequence):
                    target = end if position == len(sequence) - 1 else self.state()
                    self.edges[state].append((pair, target))
                    state = target

    def add_automaton(self, node: Automaton, begin: int, end: int) -> None:
        states = [self.state() for _ in node.edges]
        self.silent[begin].append(states[0])
        for state, row in zip(states, node.edges, strict=True):
            for part, target in row:
                self.add(part, state, states[target])
        for state in node.finals:
            self.silent[states[state]].append(end)

    def byte_classes(self, size: int) -> tuple[int, ...]:
        """Gives labels of bytes their classes: two differ where some edge tells them apart.

        Args:
            size: How many bytes, or other symbols, there are.
        """
        pairs = {label for row in self.edges for label, _ in row if isinstance(label, tuple)}
        readers = [
            frozenset(pair for pair in pairs if pair[0] <= byte <= pair[1]) for byte in range(size)
        ]
        numbers = {key: number for number, key in enumerate(dict.fromkeys(filter(None, readers)))}
        classes = tuple(numbers.get(key, -1) for key in readers)
        within = {pair: sorted(set(classes[pair[0] : pair[1] + 1])) for pair in pairs}
        for state, row in enumerate(self.edges):
            self.edges[state] = [
                (part, target)
                for label, target in row
                for part in (within[label] if isinstance(label, tuple) else [label])
            ]
        return classes


class _SymbolBuilder(ByteBuilder):
    """Code points are symbols themselves, not characters with an encoding."""

    def add_chars(self, node: Chars, begin: int, end: int) -> None:
        self.edges[begin] += [(pair, end) for pair in node.ranges]


def build_network(grammar: Grammar, limit: int = STATES, symbols: int = 0) -> Network:
    """The network of a grammar.

    Args:
        grammar: The rules.
        limit: The most states.
        symbols: 0: code points are read as UTF-8. If not, so many symbols stand in the place of
            bytes, and a code point is the number of one.

    Raises:
        GrammarError: a rule is called and not defined.
        EmptyLanguageError: the language has no text.
        LimitError: more than `limit` states.
    """
    builder, spans = _SymbolBuilder(limit) if symbols else ByteBuilder(limit), {}
    for name, node in grammar.rules.items():
        # No state of a rule is shared: what ends at `end` never goes on from there.
        spans[name] = (builder.state(), builder.state())
        builder.add(node, *spans[name])
    _check_calls(builder, spans, grammar.start)
    class_of_byte = builder.byte_classes(symbols or 256)
    nullable = _nullable(builder, spans)
    for state, row in enumerate(builder.edges):
        builder.silent[state] += [target for label, target in row if label in nullable]
    rules = {
        name: determinise(builder, begin, [end], limit) for name, (begin, end) in spans.items()
    }
    rules = _productive(rules)
    if not rules[grammar.start].finals:
        raise EmptyLanguageError(f"a language must have a text, got none from {grammar.start!r}")
    reached = _reached(rules, grammar.start)
    rules = _without_left_recursion({name: rules[name] for name in reached}, limit)
    rules = {name: rules[name] for name in _reached(rules, grammar.start)}
    rules = _inlined(rules, grammar.start, limit=SHARED if symbols else INLINED)
    if sum(len(rule.edges) for rule in rules.values()) <= 2 * INLINED:
        rules = {name: coarsest(rule) for name, rule in rules.items()}
    return Network(rules, grammar.start, class_of_byte)


def _check_calls(builder: Nondeterministic, spans: dict[str, tuple[int, int]], start: str) -> None:
    called = {label for row in builder.edges for label, _ in row if isinstance(label, str)}
    missing = sorted({start, *called} - set(spans))
    if missing:
        raise GrammarError(f"every rule that is called must be defined, got {missing[0]!r}")


def _nullable(builder: Nondeterministic, spans: dict[str, tuple[int, int]]) -> set[str]:
    """The rules that derive the empty text."""
    nullable: set[str] = set()
    while True:
        fresh = {name for name, span in spans.items() if _has_empty(builder, span, nullable)}
        if fresh == nullable:
            return nullable
        nullable = fresh


def _has_empty(builder: Nondeterministic, span: tuple[int, int], nullable: set[str]) -> bool:
    reached, waiting = {span[0]}, [span[0]]
    while waiting:
        state = waiting.pop()
        targets = [target for label, target in builder.edges[state] if label in nullable]
        fresh = {*targets, *builder.silent[state]} - reached
        reached |= fresh
        waiting += fresh
    return span[1] in reached


def _productive(rules: dict[str, Deterministic]) -> dict[str, Deterministic]:
    """Without calls of rules that derive no text at all."""
    productive: set[str] = set()
    while True:
        left = (name for name in rules if name not in productive)
        fresh = {name for name in left if _has_text(rules[name], productive)}
        if not fresh:
            break
        productive |= fresh

    def keeps(label: object) -> bool:
        return not isinstance(label, str) or label in productive

    dead = {name for name in rules if name not in productive}
    calls_dead = {
        name
        for name, rule in rules.items()
        if any(not keeps(label) for row in rule.edges for label in row)
    }
    return {
        name: relabel(rule, keeps) if name in dead | calls_dead else rule
        for name, rule in rules.items()
    }


def _has_text(rule: Deterministic, productive: set[str]) -> bool:
    """Whether a rule has a text, given some rules that have one."""
    reached, waiting = {0}, [0]
    while waiting:
        state = waiting.pop()
        if state in rule.finals:
            return True
        for label, target in rule.edges[state].items():
            if target not in reached and (not isinstance(label, str) or label in productive):
                reached.add(target)
                waiting.append(target)
    return False


def _calls(row: object) -> Iterator[str]:
    return (label for label in row if isinstance(label, str))  # pyright: ignore


def _reached(rules: dict[str, Deterministic], start: str) -> list[str]:
    """The rules that `start` needs, in the order met."""
    order = [start]
    for name in order:
        called = {label for row in rules[name].edges for label in _calls(row)}
        order += sorted(called - set(order))
    return order


def _without_left_recursion(
    rules: dict[str, Deterministic], limit: int
) -> dict[str, Deterministic]:
    """Paull's algorithm on automata, within each cycle of first calls."""
    for cycle in _cycles({name: set(_calls(rule.edges[0])) for name, rule in rules.items()}):
        for position, name in enumerate(cycle):
            for earlier in cycle[:position]:
                if earlier in rules[name].edges[0]:
                    rules[name] = _rewrite_first(rules[name], earlier, rules[earlier], limit)
            if name in rules[name].edges[0]:
                rules[name] = _rewrite_first(rules[name], name, None, limit)
    return rules


def _cycles(first: dict[str, set[str]]) -> list[list[str]]:
    """Sets of rules that reach one another through first calls, self-calls included."""
    reach = {name: set(called) for name, called in first.items()}
    changed = True
    while changed:
        changed = False
        for called in reach.values():
            size = len(called)
            for name in list(called):
                called |= reach[name]
            changed |= len(called) > size
    groups = {
        tuple(other for other in first if other in reach[name] and name in reach[other])
        for name in first
    }
    return [list(group) for group in sorted(groups) if group]


def _rewrite_first(
    rule: Deterministic, name: str, body: Deterministic | None, limit: int
) -> Deterministic:
    """With the first call of `name` replaced by `body`, or where None by a loop (it is its own).

    A loop: a text of the rule, once ended, may go on behind any of its first calls of itself.
    """
    builder = Nondeterministic(limit)
    start = builder.state()
    own = _copy(builder, rule, start, name)
    finals = [own[state] for state in rule.finals] + [start] * (0 in rule.finals)
    behind = own[rule.edges[0][name]]
    if body is None:
        ends = finals
    else:
        inner = _copy(builder, body, start, None)
        ends = [inner[state] for state in body.finals]
    for state in ends:
        builder.silent[state].append(behind)
    return determinise(builder, start, finals, limit)


def _inlined(rules: dict[str, Deterministic], start: str, limit: int) -> dict[str, Deterministic]:
    """With small rules in place of their calls, as far as they do not call themselves.

    The language is the same and its machine better: fewer return points, fewer choices. JSON's
    arrays and objects become loops within the one rule of a value. Large grammars are left as they
    are: it would take long, and alternatives that are put side by side may need many states.
    """
    if sum(len(rule.edges) for rule in rules.values()) > INLINED:
        return rules

    def order(name: str) -> tuple[bool, int]:
        return any(_all_calls(rules[name])), len(rules[name].edges)

    for name in sorted(rules, key=order):
        calls = [label for rule in rules.values() for label in _all_calls(rule)]
        size = len(rules[name].edges)
        if (
            name != start
            and name not in _all_calls(rules[name])
            and not _ends_with_call(rules[name])
            and calls.count(name) * size <= limit
        ):
            with suppress(LimitError):
                rules = _without_rule(rules, name)
    return rules


def _ends_with_call(rule: Deterministic) -> bool:
    """Whether every text of a rule has one call, at its end, which is a jump.

    In place of such a rule's call, each of these jumps would push. As it is, what calls the rule in
    a loop pushes once for all of its texts: JSON's objects, for all of their members.
    """
    return all(
        (target in rule.finals) == isinstance(label, str)
        for row in rule.edges
        for label, target in row.items()
    ) and not any(rule.edges[state] for state in rule.finals)


def _without_rule(rules: dict[str, Deterministic], name: str) -> dict[str, Deterministic]:
    """With the rule's automaton in place of its calls; LimitError where that needs too much."""
    return {
        caller: _substituted(rule, name, rules[name]) if name in _all_calls(rule) else rule
        for caller, rule in rules.items()
        if caller != name
    }


def _all_calls(rule: Deterministic) -> Iterator[str]:
    return (name for row in rule.edges for name in _calls(row))


def _substituted(rule: Deterministic, name: str, body: Deterministic) -> Deterministic:
    """With `body` in place of every call of `name`, whose texts are those of `body`."""
    builder = Nondeterministic(8 * INLINED)
    own = [builder.state() for _ in rule.edges]
    for state, row in zip(own, rule.edges, strict=True):
        for label, target in row.items():
            if label != name:
                builder.edges[state].append((label, own[target]))
                continue
            begin = builder.state()
            builder.silent[state].append(begin)
            inner = _copy(builder, body, begin, None)
            for final in body.finals:
                builder.silent[inner[final]].append(own[target])
    return determinise(builder, own[0], [own[final] for final in rule.finals], 4 * INLINED)


def _copy(
    builder: Nondeterministic, rule: Deterministic, start: int, skip: str | None
) -> list[int]:
    """The states of `rule` in `builder`, and its first edges at `start` as well, but for `skip`."""
    states = [builder.state() for _ in rule.edges]
    for state, row in zip(states, rule.edges, strict=True):
        builder.edges[state] += [(label, states[target]) for label, target in row.items()]
    builder.edges[start] += [
        (label, states[target]) for label, target in rule.edges[0].items() if label != skip
    ]
    return states
