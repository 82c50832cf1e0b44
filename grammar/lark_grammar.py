"""Lark grammars, read with the lark library.

The language is the grammar's own: every terminal is a regular language at the place where it is
used, and what `%ignore` names may stand before, between and behind terminals. No terminal is
longest or first by priority; where Lark's own lexers choose, this language holds all the choices.

Lines that begin with `//%` say otherwise. With `//% lexing: longest` text is cut into lexemes as a
lexer cuts it; see `grammar.general.directives`.
"""

import re
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from grammar.errors import GrammarError, LimitError
from grammar.general.directives import Directives, read_directives
from grammar.general.lexicon import Lexed, Lexicon, Terminal
from grammar.lark_limits import refuse_bombs
from grammar.nodes import EMPTY, Alt, Call, Grammar, Node, Seq, choice, literal, star
from grammar.regex import parse

SHIPPED: Final = (
    "arithmetic",
    "cpp",
    "json",
    "python",
    "python_expression",
    "smiles",
    "sql_select",
)
"""Names of the grammars that come with this package."""


def lark_grammar(text: str, start: str = "start") -> Grammar:
    """The language of a Lark grammar.

    Args:
        text: The grammar file's text.
        start: The rule that a whole text has to match.

    Raises:
        ImportError: the lark library is absent.
        GrammarError: not a grammar (the message has line and column), or a terminal that cannot be
            compiled exactly, by its name.
        LimitError: a text, a nesting or a number of alternatives beyond the limits.
    """
    lark = _library()
    refuse_bombs(text)
    try:
        read = lark.Lark(text, start=start, parser="earley", maybe_placeholders=False)
    except RecursionError as error:
        raise LimitError("Lark grammar: rules must nest less deep") from error
    except lark.exceptions.LarkError as error:
        if len(error.args) > 1:
            name = getattr(error.args[1], "name", error.args[1])
            rule = "must not match the empty text"
            raise GrammarError(f"Lark grammar, terminal {name}: {rule}") from error
        raise GrammarError(f"Lark grammar{_place(text, str(error))}: {error}") from error
    directives = read_directives(text)
    if directives.longest:
        return _lexed(read, start, directives)
    terminals = {terminal.name: terminal for terminal in read.terminals}
    nodes = {name: _terminal(terminal) for name, terminal in terminals.items()}
    gap = (
        star(choice([nodes[name] for name in read.ignore_tokens])) if read.ignore_tokens else EMPTY
    )
    sides: dict[str, list[Node]] = {}
    for rule in read.rules:
        parts = []
        for symbol in rule.expansion:
            if not symbol.is_term:
                parts.append(Call(str(symbol.name)))
            elif symbol.name in nodes:
                parts += [gap, nodes[symbol.name]]
            else:
                raise GrammarError(
                    f"Lark grammar: every terminal must have a pattern, got {symbol.name!r}"
                )
        sides.setdefault(str(rule.origin.name), []).append(Seq(tuple(parts)))
    rules: dict[str, Node] = {name: Alt(tuple(parts)) for name, parts in sides.items()}
    # A rule's name in Lark has no space, so the whole text cannot be taken for one.
    return Grammar(rules | {"whole text": Seq((Call(start), gap))}, "whole text")


def _lexed(read: Any, start: str, directives: Directives) -> Lexed:
    """Rules above lexemes, of what Lark has read."""
    terminals = {
        terminal.name: Terminal(
            _terminal(terminal), (terminal.priority, int(terminal.pattern.type == "str"))
        )
        for terminal in read.terminals
    }
    for number, node in enumerate(directives.reserved):
        terminals[f"reserved {number}"] = Terminal(node, (0, 1))
    indent = directives.indent
    lexicon = Lexicon(
        terminals, frozenset(read.ignore_tokens), True, directives.split, directives.indent
    )
    sides: dict[str, list[Node]] = {}
    for rule in read.rules:
        for symbol in rule.expansion:
            known = symbol.name in terminals or (indent is not None and symbol.name in indent)
            if symbol.is_term and not known:
                raise GrammarError(
                    f"Lark grammar: every terminal must have a pattern, got {symbol.name!r}"
                )
        parts = tuple(Call(str(symbol.name)) for symbol in rule.expansion)
        sides.setdefault(str(rule.origin.name), []).append(Seq(parts))
    return Lexed({name: Alt(tuple(parts)) for name, parts in sides.items()}, start, (), lexicon)


def shipped(name: str) -> str:
    """The text of a grammar that comes with this package, by name (`SHIPPED`)."""
    if name not in SHIPPED:
        raise ValueError(f"a shipped grammar must be one of {', '.join(SHIPPED)}, got {name!r}")
    return (Path(__file__).parent / "library" / f"{name}.lark").read_text(encoding="utf-8")


def _library() -> Any:
    try:
        return import_module("lark")
    except ImportError as error:
        rule = "Lark grammars need the lark library: pip install 'dllm[grammar]'"
        raise ImportError(rule) from error


def _place(text: str, message: str) -> str:
    """Line and column of the symbol that a message names, where the message has none."""
    named = re.search(r"'(\w+)' used but not defined", message)
    found = re.search(rf"\b{named[1]}\b", text) if named else None
    if not found:
        return ""
    line = text.count("\n", 0, found.start()) + 1
    return f", line {line}, column {found.start() - text.rfind(chr(10), 0, found.start())}"


def _terminal(terminal: Any) -> Node:
    """The node of a terminal's pattern (a `lark.lexer.TerminalDef`)."""
    pattern = terminal.pattern
    flags = set(pattern.flags)
    if pattern.type == "str" and not flags:
        return literal(pattern.value)
    if flags - {"i", "s", "u", "m"}:
        flag = min(flags - {"i", "s", "u", "m"})
        raise GrammarError(
            f"Lark grammar, terminal {terminal.name}: flags must be i, m, s or u, got {flag!r}"
        )
    value = re.escape(pattern.value) if pattern.type == "str" else pattern.value
    try:
        return parse(value, "i" in flags, "s" in flags)
    except GrammarError as error:
        raise type(error)(f"Lark grammar, terminal {terminal.name}: {error}") from error
