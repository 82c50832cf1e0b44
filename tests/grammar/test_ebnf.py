"""Grammars in GBNF and in EBNF."""

from collections.abc import Callable

import pytest

from grammar import Grammar, GrammarError, completable, ebnf, gbnf

LISTS = r"""
# a list of items
root ::= "[" (item ("," ws item)*)? "]"
item ::= [a-c]{2,3} | "\"" [^"\n]* "\"" |
  number
number ::= "-"? [0-9]+
ws ::= " "?
"""
W3C = """
/* a sum */
sum ::= term (('+' | "-") term)*
term ::= [0-9]+ | "(" sum ')' | #x41 [#x42-#x43]
"""
ISO = """
(* a sum *)
sum = term, { ("+" | '-'), term };
term = digit, [ digit ] | "(", sum, ")" | 2 * "A";
digit = "0" | "1";
"""


@pytest.mark.parametrize(
    ("read", "text", "valid", "invalid"),
    [
        (gbnf, LISTS, ["[]", '[ab, "x y",-12]', "[abc]"], ["[a]", "[ab,]", "[abca]", '["']),
        (ebnf, W3C, ["1+(23-AB)", "AC"], ["1+", "A", "AD", "()"]),
        (ebnf, ISO, ["10-(1+AA)", "0"], ["101", "A", "1+"]),
    ],
)
def test_reads(
    read: Callable[[str], Grammar], text: str, valid: list[str], invalid: list[str]
) -> None:
    grammar = read(text)
    assert [own for own in [*valid, *invalid] if completable(grammar, [own])] == valid


@pytest.mark.parametrize(
    ("read", "text", "message"),
    [
        (gbnf, 'root ::= "a" )', r"GBNF, line 1, column 14: a rule must begin with its name"),
        (gbnf, "root ::= [b-a]", "a class must be one of a regular expression"),
        (gbnf, 'root ::= "a"\nroot ::= "b"', r"line 2, column 6: a rule must be defined once"),
        (ebnf, 'a = "b" - "c";', r"EBNF \(ISO\), line 1, column 9: must be a grammar"),
        (ebnf, 'a ::= ("b"', r"EBNF \(W3C\), line 1, column 11: must have '\)', got the end"),
    ],
)
def test_refuses(read: Callable[[str], Grammar], text: str, message: str) -> None:
    with pytest.raises(GrammarError, match=message):
        read(text)
