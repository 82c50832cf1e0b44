"""Options that say which language answers belong to."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grammar


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of a grammar, one of them at a time."""
    add = parser.add_argument_group("grammar").add_mutually_exclusive_group().add_argument
    add("--json-schema", type=Path, metavar="FILE", help="answers are JSON that fits a schema")
    add("--regex", metavar="PATTERN", help="answers match a regular expression as a whole")
    add("--choice", action="append", metavar="TEXT", help="answers are one of these texts")
    add("--grammar", metavar="FILE", help=f"a Lark grammar, or {', '.join(grammar.SHIPPED)}")


def chosen(options: argparse.Namespace) -> grammar.Grammar | None:
    """The language that the options name, if they name one."""
    readers: list[tuple[Any, Callable[[Any], grammar.Grammar]]] = [
        (options.json_schema, _json_schema),
        (options.regex, grammar.regex),
        (options.choice, grammar.choices),
        (options.grammar, _lark),
    ]
    return next((read(given) for given, read in readers if given is not None), None)


def _lark(name: str) -> grammar.Grammar:
    if name in grammar.SHIPPED:
        return grammar.lark_grammar(grammar.shipped(name))
    rule = f", and is none of {', '.join(grammar.SHIPPED)}"
    return grammar.lark_grammar(read_text("--grammar", Path(name), rule))


def _json_schema(path: Path) -> grammar.Grammar:
    return grammar.json_schema(read_text("--json-schema", path))


def read_text(option: str, path: Path, rule: str = "") -> str:
    """The text of a file that an option names; `rule` is what else the option could have meant.

    Raises:
        ValueError: it cannot be read, or is not UTF-8.
    """
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"{option}: {path} must be UTF-8, got byte {error.start}") from None
    except OSError as error:
        raise ValueError(f"{option}: {path} cannot be read ({error.strerror}){rule}") from None
