"""Languages and canvases with holes: pure Python and numpy. Imports neither jax nor dllm.

A front end (`regex`, `choices`, `lark_grammar`, `json_schema`) makes a `Grammar`;
`compile_grammar` makes it ready for the tokens of one `Vocabulary`; the `Compiled` answers which
tokens may stand at every hole of a canvas.
`completable` asks about holes of any length instead.
"""

from grammar.choices import choices
from grammar.compiled import MASK, Compiled, compile_grammar
from grammar.ebnf import ebnf, gbnf
from grammar.errors import EmptyLanguageError, GrammarError, InfeasibleError, LimitError
from grammar.intersection import completable
from grammar.json_schema import SchemaError, SchemaLimitError, json_schema
from grammar.lark_grammar import SHIPPED, lark_grammar, shipped
from grammar.nodes import Grammar
from grammar.pushdown import Answer
from grammar.regex import regex
from grammar.structural import structural_tags
from grammar.vocabulary import Vocabulary

__all__ = [
    "MASK",
    "SHIPPED",
    "Answer",
    "Compiled",
    "EmptyLanguageError",
    "Grammar",
    "GrammarError",
    "InfeasibleError",
    "LimitError",
    "SchemaError",
    "SchemaLimitError",
    "Vocabulary",
    "choices",
    "compile_grammar",
    "completable",
    "ebnf",
    "gbnf",
    "json_schema",
    "lark_grammar",
    "regex",
    "shipped",
    "structural_tags",
]
