"""Numbers as languages of their decimal texts, without exponents.

A language here holds either all spellings of a value that have no exponent (`1`, `1.0`, `-0`) or
none, so and, or, not of languages are and, or, not of values. Exponents come back where a language
turns out to be all numbers or all integers (`node`): elsewhere they would not be regular.
"""

from collections.abc import Callable, Hashable, Iterable
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Any, Final

from grammar.errors import GrammarError, LimitError
from grammar.json_schema.languages import Language, explore

_DIGITS: Final = range(48, 58)
_MINUS: Final = 45
_POINT: Final = 46

EXPONENT: Final = 400
"""The largest exponent of a number in a schema."""


def exact(value: int | float | Decimal) -> Decimal:
    """A number of a schema, a float by its shortest decimal.

    Raises:
        GrammarError: not a finite number.
        LimitError: an exponent beyond `EXPONENT`.
    """
    number = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    if not number.is_finite():
        raise GrammarError(f"a number must be finite, got {value}")
    if number and abs(number.adjusted()) > EXPONENT:
        rule = f"a number must have an exponent of at most {EXPONENT}"
        raise LimitError(f"{rule}, got {number.adjusted()}")
    return number


def _numbers(
    first: Hashable,
    digit: Callable[[Any, int, bool], Any],
    accept: Callable[[Any, bool], bool],
) -> Language:
    """The numbers whose sign and digits lead a small machine to accept.

    Args:
        first: The machine's first state.
        digit: State, digit, whether it stands behind the point: the next state, None: refused.
        accept: Whether a number with this state and this sign (minus: True) is in.
    """

    def step(state: Any) -> Iterable[tuple[int, int, Any]]:
        place, negative, inner = state
        if place == "begin":
            yield _MINUS, _MINUS, ("sign", True, first)
        if place in ("whole", "zero"):
            yield _POINT, _POINT, ("point", negative, inner)
        fraction = place in ("point", "fraction")
        for char in _DIGITS if place != "zero" else ():
            after = digit(inner, char - 48, fraction)
            if after is None:
                continue
            leading = place in ("begin", "sign") and char == 48
            yield (
                char,
                char,
                ("fraction" if fraction else "zero" if leading else "whole", negative, after),
            )

    def final(state: Any) -> bool:
        place, negative, inner = state
        return place in ("whole", "zero", "fraction") and accept(inner, negative)

    return explore(("begin", False, first), step, final)


NUMBERS: Final = _numbers(0, lambda _state, _digit, _fraction: 0, lambda _state, _negative: True)
"""Every number, each in all its spellings without exponent."""


def compared(bound: Decimal, keep: Callable[[int], bool]) -> Language:
    """The numbers x for which `keep` holds of the sign of x - bound: -1, 0 or 1."""
    sign, digits, exponent = bound.as_tuple()
    assert isinstance(exponent, int)
    text = "".join(map(str, digits))
    text += "0" * exponent if exponent > 0 else ""
    places = max(-exponent, 0)
    text = text.rjust(places + 1, "0")
    whole = (text[: len(text) - places].lstrip("0") or "0").encode()
    part = text[len(text) - places :].rstrip("0").encode()

    def digit(state: tuple[int, int, int, bool], value: int, fraction: bool) -> Any:
        """State: digits before the point, digits behind it, comparison so far, all digits zero."""
        count, behind, order, zero = state
        zero = zero and value == 0
        if not fraction:
            if count < len(whole) and not order:
                order = (value > whole[count] - 48) - (value < whole[count] - 48)
            return min(count + 1, len(whole) + 1), 0, order, zero
        if count == len(whole) and not order:
            known = part[behind] - 48 if behind < len(part) else 0
            order = (value > known) - (value < known)
        return count, min(behind + 1, len(part)), order, zero

    def accept(state: tuple[int, int, int, bool], negative: bool) -> bool:
        count, behind, order, zero = state
        if count != len(whole):
            size = 1 if count > len(whole) else -1
        else:
            size = order if order or behind >= len(part) else -1
        # The size of x against the size of the bound; both signs then decide.
        below = negative and not zero
        if below != bool(sign and bound):
            return keep(-1 if below else 1)
        return keep(-size if below else size)

    return _numbers((0, 0, 0, True), digit, accept)


@lru_cache(256)
def multiples(of: Decimal) -> Language:
    """The multiples of a positive number.

    Raises:
        LimitError: too many remainders.
    """
    fraction = Fraction(of)
    places = 0
    while (fraction * 10**places).denominator != 1:
        places += 1
    size = int(fraction * 10**places)
    if size * (places + 1) > 20_000:
        raise LimitError(f"multipleOf must need at most 20000 remainders, got {of}")

    def digit(state: tuple[int, int], value: int, fraction: bool) -> Any:
        remainder, behind = state
        if fraction and behind == places:
            return state if value == 0 else None
        return (remainder * 10 + value) % size, behind + fraction

    def accept(state: tuple[int, int], _negative: bool) -> bool:
        return state[0] * 10 ** (places - state[1]) % size == 0

    return _numbers((0, 0), digit, accept)


INTEGERS: Final = multiples(Decimal(1))


WHOLE: Final = explore(
    "begin",
    lambda state: {
        "begin": [(45, 45, "sign"), (48, 48, "zero"), (49, 57, "whole")],
        "sign": [(48, 48, "zero"), (49, 57, "whole")],
        "whole": [(48, 57, "whole")],
        "zero": [],
    }[state],
    lambda state: state in ("zero", "whole"),
)
"""The integers of draft 4, where 1.0 is none. Not all spellings of a value: 1 and 1.0 differ."""


def equal(value: int | float | Decimal) -> Language:
    """All spellings of one number."""
    return compared(exact(value), lambda order: order == 0)
