"""What a Lark file says of cutting text, in lines that begin with `//%`.

`lexing: longest`: text is cut into the longest lexemes; of several terminals that match a lexeme it
    is those of the highest priority, and among these the ones written as a text in quotes.
`split: > >`: the lexeme `>` may end before the byte `>` all the same.
`reserved: class struct` (or `reserved in any case: ...`): words that are no names.
`indent: 4 spaces, 8 levels`: `_NEWLINE`, `_INDENT` and `_DEDENT` stand for blocks by indentation.
"""

import re
from dataclasses import dataclass

from grammar.errors import GrammarError
from grammar.general.lexicon import Indent
from grammar.nodes import Node
from grammar.regex import parse


@dataclass(frozen=True)
class Directives:
    """What the lines say."""

    longest: bool = False
    split: tuple[tuple[bytes, bytes], ...] = ()
    reserved: tuple[Node, ...] = ()
    indent: Indent | None = None


def read_directives(text: str) -> Directives:
    """The directives of a Lark file.

    Raises:
        GrammarError: a line that is none, with its number.
    """
    longest, indent = False, None
    split: list[tuple[bytes, bytes]] = []
    reserved: list[Node] = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.startswith("//%"):
            continue
        name, _, value = (part.strip() for part in line[3:].partition(":"))
        words = value.split()
        numbers = re.fullmatch(r"(\d+) spaces, (\d+) levels", value)
        if name == "lexing" and value == "longest":
            longest = True
        elif name == "split" and len(words) == 2:
            split.append((words[0].encode(), words[1].encode()))
        elif name in ("reserved", "reserved in any case") and words:
            reserved += [parse(re.escape(word), name != "reserved") for word in words]
        elif name == "indent" and numbers:
            indent = Indent("_NEWLINE", "_INDENT", "_DEDENT", int(numbers[1]), int(numbers[2]))
        else:
            rule = "must be `lexing: longest`, `split: LEXEME BYTE`, `reserved: WORD ...` or "
            raise GrammarError(
                f"Lark grammar, line {number}: a directive {rule}`indent: N spaces, N levels`, got "
                f"{line!r}"
            )
    if not longest and (split or reserved or indent):
        raise GrammarError("Lark grammar: directives need `lexing: longest`, got none")
    return Directives(longest, tuple(split), tuple(reserved), indent)
