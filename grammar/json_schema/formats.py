"""Formats as languages, where a format is one.

A format is asserted. One that no specification knows is an annotation and says nothing; a known one
whose texts are no regular language, or only by tables that are not kept here, is refused.
"""

from functools import cache
from typing import Any, Final

from grammar.errors import GrammarError
from grammar.json_schema.languages import Language
from grammar.json_schema.patterns import whole

_MONTHS: Final = (
    r"(?:0[13578]|1[02])-(?:0[1-9]|[12]\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\d|30)"
    r"|02-(?:0[1-9]|1\d|2[0-8])"
)
_LEAP: Final = r"(?:\d\d(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)"
_DATE: Final = rf"(?:\d{{4}}-(?:{_MONTHS})|{_LEAP}-02-29)"
_ZONE: Final = r"(?:[zZ]|[+-](?:[01]\d|2[0-3]):[0-5]\d)"
_TIME: Final = (
    rf"(?:(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?{_ZONE}"
    r"|23:59:60(?:\.\d+)?(?:[zZ]|[+-]00:00))"
)
_LABEL: Final = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ATOM: Final = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_BYTE: Final = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_IPV4: Final = rf"{_BYTE}(?:\.{_BYTE}){{3}}"


def _ipv6() -> str:
    """RFC 4291, 2.2: eight groups, one run of zero groups left out, the end as IPv4."""
    group = "[0-9A-Fa-f]{1,4}"
    end = rf"(?:{group}:{group}|{_IPV4})"
    forms = [rf"(?:{group}:){{6}}{end}"]
    for count in range(8):
        before = rf"(?:(?:{group}:){{0,{count - 1}}}{group})?" if count else ""
        after = 7 - count
        tail = rf"(?:{group}:){{{after - 2}}}{end}" if after >= 2 else group if after else ""
        forms.append(f"{before}::{tail}")
    return "(?:" + "|".join(forms) + ")"


_UNRESERVED: Final = r"[A-Za-z0-9._~!$&'()*+,;=-]"
_ESCAPED: Final = r"%[0-9A-Fa-f]{2}"
_PCHAR: Final = rf"(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|{_ESCAPED})"


def _uri(scheme: str, first: str) -> str:
    """RFC 3986, appendix A. `first`: the first segment of a path without a slash before it."""
    user = rf"(?:(?:[A-Za-z0-9._~!$&'()*+,;=:-]|{_ESCAPED})*@)?"
    future = r"[vV][0-9A-Fa-f]+\.[A-Za-z0-9._~!$&'()*+,;=:-]+"
    host = rf"(?:\[(?:{_ipv6()}|{future})\]|(?:{_UNRESERVED}|{_ESCAPED})*)"
    authority = rf"{user}{host}(?::\d*)?"
    rest = rf"(?:/{_PCHAR}*)*"
    part = rf"(?://{authority}{rest}|/(?:{_PCHAR}+{rest})?|{first}+{rest})?"
    tail = rf"(?:[/?]|{_PCHAR})*"
    return rf"{scheme}{part}(?:\?{tail})?(?:#{tail})?"


_SCHEME: Final = r"[A-Za-z][A-Za-z0-9+.-]*:"
_NO_COLON: Final = rf"(?:[A-Za-z0-9._~!$&'()*+,;=@-]|{_ESCAPED})"
_POINTER: Final = r"(?:/(?:[^/~]|~[01])*)*"


def _reference() -> str:
    """A URI or a relative reference, whose first segment has no colon."""
    relative = _uri("", "\0").replace("\0+", rf"{_NO_COLON}+")
    return rf"(?:{_uri(_SCHEME, _PCHAR)}|{relative})"


def _duration() -> str:
    """RFC 3339, appendix A: units without gaps, weeks alone."""
    second, day = r"\d+S", r"\d+D"
    minute, month = rf"\d+M(?:{second})?", rf"\d+M(?:{day})?"
    hour, year = rf"\d+H(?:{minute})?", rf"\d+Y(?:{month})?"
    time = rf"T(?:{hour}|{minute}|{second})"
    return rf"P(?:(?:{day}|{month}|{year})(?:{time})?|{time}|\d+W)"


_PATTERNS: Final = {
    "date": lambda: _DATE,
    "time": lambda: _TIME,
    "date-time": lambda: rf"{_DATE}[tT]{_TIME}",
    "duration": _duration,
    "ipv4": lambda: _IPV4,
    "ipv6": _ipv6,
    "uuid": lambda: r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}",
    "email": lambda: rf"{_ATOM}(?:\.{_ATOM})*@{_LABEL}(?:\.{_LABEL})*",
    "uri": lambda: _uri(_SCHEME, _PCHAR),
    "uri-reference": _reference,
    "json-pointer": lambda: _POINTER,
    "relative-json-pointer": lambda: rf"(?:0|[1-9]\d*)(?:#|{_POINTER})",
}

_REFUSED: Final = (
    "hostname", "idn-email", "idn-hostname", "iri", "iri-reference", "regex", "uri-template",
)  # fmt: skip
"""A host's length is bounded beside that of its labels: regular, but with too many states."""


@cache
def _language(name: str) -> Language:
    return whole(_PATTERNS[name]())


def format_language(name: Any) -> Language | None:
    """The texts of a format; None for a name that no specification knows.

    Raises:
        GrammarError: a known format that cannot be compiled exactly.
    """
    if name in _REFUSED:
        known = ", ".join(sorted(_PATTERNS))
        raise GrammarError(f"must be one of {known} or unknown, got {name!r}")
    return _language(name) if isinstance(name, str) and name in _PATTERNS else None
