"""Recorded answers of single functions of the published code."""

import json
from typing import Any

import pytest

from tests.shared import VECTORS

PATH = VECTORS / "units.json"
UNITS: dict[str, Any] = json.loads(PATH.read_text()) if PATH.is_file() else {}


def recorded(key: str) -> list[Any]:
    """The cases of one function, as parameters of a test."""
    found = UNITS.get(key, [])
    listed = found["cases"] if isinstance(found, dict) else found
    return [pytest.param(case, id=f"vectors-units-{key}-{i}") for i, case in enumerate(listed)]
