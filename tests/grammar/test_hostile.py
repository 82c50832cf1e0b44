"""Hostile grammars: each is refused, or compiled, in little time and with a clear message."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from grammar import MASK, InfeasibleError, Vocabulary, compile_grammar, regex
from tests.grammar.bombs import HARD, HEAVY, REFUSED

ROOT = Path(__file__).parents[2]
QUICK = 2.0
"""Seconds of processor time."""

NAMES = [*REFUSED, *(f"hard {name}" for name in HARD)]


def run(names: list[str]) -> dict[str, Any]:
    """What came of each grammar, in one process without the type checker."""
    command = [sys.executable, "-m", "tests.grammar.bombs", *names]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    lines = map(json.loads, ran.stdout.splitlines())
    return {line["name"]: line for line in lines}


def refuse_wrong(told: dict[str, Any]) -> None:
    """Each took little time, and ended as its table says."""
    for name, line in told.items():
        assert line["seconds"] < QUICK, line
        _, error, message = REFUSED.get(name, (None, None, ""))
        assert line["error"] == (error and error.__name__), line
        assert re.search(message, line["message"]), line


def test_hostile_grammars() -> None:
    pytest.importorskip("lark", reason="the lark library is absent (extra: grammar)")
    light = [name for name in NAMES if name not in HEAVY]
    told = run(light)
    assert list(told) == light
    refuse_wrong(told)


@pytest.mark.slow
def test_heavy_ones() -> None:
    refuse_wrong(run(sorted(HEAVY)))


def test_a_hole_that_is_too_short() -> None:
    """The number of tokens that a text needs is found in one pass."""
    language = compile_grammar(regex("a{300}"), Vocabulary([b"a", b"b"]))
    with pytest.raises(InfeasibleError, match=r"at least 300 tokens, got 200$"):
        language.require([MASK] * 200)
    with pytest.raises(InfeasibleError, match=r"must fit into 144 tokens, got a language"):
        language.require([MASK] * 40)
