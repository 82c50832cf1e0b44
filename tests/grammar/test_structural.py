"""Text outside, grammar inside."""

import pytest

from grammar import Grammar, GrammarError, completable, gbnf, regex, structural_tags
from grammar.general.lexicon import Lexed
from grammar.nodes import EMPTY

TAGS = [("<n>", regex("[0-9]+"), "</n>"), ("<<", gbnf('root ::= "(" root? ")"'), ">")]


def test_texts() -> None:
    grammar = structural_tags(TAGS)
    texts = ["", "a <n>12</n> é", "<n", "<<(())> <n>1</n>", "<<n>1</n>", "< <n>7</n>"]
    wrong = ["<n>", "a <n>x</n>", "<<()", "<<(()>", "<n>1</n> <n>"]
    assert [own for own in [*texts, *wrong] if completable(grammar, [own])] == [
        own for own in texts if own != "<<n>1</n>"
    ]
    assert completable(grammar, ["so <n>", None, "n> then"])
    assert not completable(grammar, ["so <n>x", None])


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        ([], "must have at least one tag, got none"),
        ([("", regex("a"), "")], "tag 0: must have an opening of its own, got ''"),
        (
            [("<", Lexed({"start": EMPTY}), ">")],
            "must be of characters, got a grammar over lexemes",
        ),
    ],
)
def test_refuses(tags: list[tuple[str, Grammar, str]], message: str) -> None:
    with pytest.raises(GrammarError, match=message):
        structural_tags(tags)
