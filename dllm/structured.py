"""The language that a request asks for, in the fields that serving engines name.

`structured_outputs` is vLLM's field, `response_format` OpenAI's. What cannot be kept is refused by
the field's name, never read over.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import grammar

_ANY_OBJECT: Final = {"type": "object"}

SPACE: Final = "disable_any_whitespace"
"""A flag beside `json` and `json_object`: no white space between the tokens of JSON."""


def asked_language(request: Mapping[str, Any]) -> grammar.Grammar | None:
    """The language that a request's fields name, None if they name none.

    Args:
        request: Its `structured_outputs` has one of `json` (a schema), `regex`, `choice` (a list of
            texts), `grammar` (a Lark grammar, or the name of a shipped one) and `json_object`
            (true). Its `response_format` has a `type`: `text`, `json_object` or `json_schema`, the
            last with a `json_schema` that has the `schema`. Other fields are not looked at.

    Raises:
        ValueError: a field that is wrong or not supported, by its name.
        grammar.GrammarError: a language that cannot be compiled exactly, behind the field's name.
    """
    fields = {
        name: read(request[name])
        for name, read in (
            ("structured_outputs", _structured_outputs),
            ("response_format", _response_format),
        )
        if request.get(name) is not None
    }
    named = [language for language in fields.values() if language is not None]
    if len(named) > 1:
        raise ValueError("structured_outputs: must be given without response_format, got both")
    return named[0] if named else None


def _structured_outputs(value: Any) -> grammar.Grammar:
    own = _object("structured_outputs", value)
    _known("structured_outputs", own, (*_READERS, SPACE))
    named = [name for name in _READERS if own.get(name) not in (None, False)]
    if len(named) != 1:
        rule = f"must have one of {', '.join(_READERS)}"
        raise ValueError(f"structured_outputs: {rule}, got {', '.join(named) or 'none'}")
    (name,) = named
    dense = own.get(SPACE)
    if dense not in (None, True, False) or (dense and not name.startswith("json")):
        rule = "must be true or false, and stand beside json or json_object"
        raise ValueError(f"structured_outputs.{SPACE}: {rule}, got {dense!r:.40}")
    return _placed(f"structured_outputs.{name}", _READERS[name], own[name], not dense)


def _response_format(value: Any) -> grammar.Grammar | None:
    own = _object("response_format", value)
    kind = own.get("type")
    if kind not in ("text", "json_object", "json_schema"):
        rule = "must be text, json_object or json_schema"
        raise ValueError(f"response_format.type: {rule}, got {kind!r:.40}")
    _known("response_format", own, ("type", *(["json_schema"] if kind == "json_schema" else [])))
    if kind != "json_schema":
        return None if kind == "text" else grammar.json_schema(_ANY_OBJECT)
    inner = _object("response_format.json_schema", own.get("json_schema"))
    _known("response_format.json_schema", inner, ("name", "description", "schema", "strict"))
    if "schema" not in inner:
        raise ValueError("response_format.json_schema.schema: must be given, got none")
    return _placed("response_format.json_schema.schema", _json, inner["schema"], True)


def _object(field: str, value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError(f"{field}: must be an object, got {value!r:.40}")
    return value


def _known(field: str, value: Mapping[str, Any], names: tuple[str, ...]) -> None:
    strange = sorted(str(name) for name in value if name not in names)
    if strange:
        raise ValueError(f"{field}.{strange[0]}: must be one of {', '.join(names)}")


def _placed(
    field: str, read: Callable[[str, Any, bool], grammar.Grammar], value: Any, space: bool
) -> grammar.Grammar:
    """A language, its errors behind the field's name."""
    try:
        return read(field, value, space)
    except grammar.GrammarError as error:
        raise grammar.GrammarError(f"{field}: {error}") from error


def _json(field: str, value: Any, space: bool) -> grammar.Grammar:
    if not isinstance(value, dict | bool | str):
        raise ValueError(f"{field}: must be a schema, got {value!r:.40}")
    return grammar.json_schema(value, whitespace=space)


def _json_object(field: str, value: Any, space: bool) -> grammar.Grammar:
    if value is not True:
        raise ValueError(f"{field}: must be true, got {value!r:.40}")
    return grammar.json_schema(_ANY_OBJECT, whitespace=space)


def _regex(field: str, value: Any, _space: bool) -> grammar.Grammar:
    return grammar.regex(_text(field, value))


def _choice(field: str, value: Any, _space: bool) -> grammar.Grammar:
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise ValueError(f"{field}: must be a list of texts, got {value!r:.40}")
    return grammar.choices(value)


def _grammar(field: str, value: Any, _space: bool) -> grammar.Grammar:
    text = _text(field, value)
    return grammar.lark_grammar(grammar.shipped(text) if text in grammar.SHIPPED else text)


def _text(field: str, value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{field}: must be a text, got {value!r:.40}")
    return value


_READERS: Final[dict[str, Callable[[str, Any, bool], grammar.Grammar]]] = {
    "json": _json,
    "regex": _regex,
    "choice": _choice,
    "grammar": _grammar,
    "json_object": _json_object,
}
"""The fields of `structured_outputs` that name a language, and what reads them."""
