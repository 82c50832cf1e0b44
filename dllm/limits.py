"""Refusals of settings, all in one form."""

from typing import Any


def must(fits: bool, name: str, rule: str, value: Any) -> None:
    """Raises unless the value fits: its name, the rule and what was got."""
    if not fits:
        shown = value if isinstance(value, str) else repr(value)
        raise ValueError(f"{name} must be {rule}, got {shown}")


def at_least(name: str, value: float | int, least: int) -> None:
    """Raises if the value is smaller."""
    must(value >= least, name, f"at least {least}", value)


def one_of(name: str, value: str, known: tuple[str, ...]) -> None:
    """Raises if the value is none of those."""
    must(value in known, name, f"one of {', '.join(known)}", repr(value))
