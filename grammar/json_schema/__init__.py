"""JSON Schema (draft 2020-12, and drafts 4 to 2019-09 where `$schema` names one) as grammars."""

from typing import Any

from grammar.errors import EmptyLanguageError
from grammar.json_schema.documents import Documents, SchemaError, SchemaLimitError, read
from grammar.json_schema.expander import Expander
from grammar.json_schema.keywords import KEYWORDS
from grammar.json_schema.rules import Rules
from grammar.nodes import Grammar

__all__ = ["SchemaError", "SchemaLimitError", "json_schema"]


def json_schema(
    schema: dict[str, Any] | bool | str,
    *,
    whitespace: bool = True,
    lenient: bool = False,
    formats: bool = True,
) -> Grammar:
    """The language of the JSON texts whose values match a schema.

    What is narrower than the schema is a text's spelling, never its value: see
    `grammar.json_schema.spell` for characters, `grammar.json_schema.rules` for the order of names,
    `grammar.json_schema.numbers` for exponents. Nothing is wider.

    Args:
        schema: The schema, as JSON text or as its value.
        whitespace: Whether white space may stand between tokens of JSON; if not, none may.
        lenient: Leave out what cannot be compiled exactly; `Grammar.dropped` names it. The language
            is then that of the schema without these keywords.
        formats: Whether `format` is asserted; if not, it is an annotation that says nothing.

    Raises:
        SchemaError: a keyword that cannot be compiled exactly, or one with a wrong value; it has
            the `path` (a JSON pointer) and the `keyword`.
        SchemaLimitError: a schema beyond a limit of size, depth or work.
        EmptyLanguageError: no value matches the schema.
    """
    documents = Documents(read(schema))
    expander = Expander(documents, KEYWORDS, lenient, formats)
    root = expander.goal(documents.root)
    if expander.impossible(root):
        raise EmptyLanguageError("JSON Schema: a schema must match some value, got none that does")
    rules = Rules(expander, whitespace).build(root)
    return Grammar(rules, "start", tuple(expander.dropped))
