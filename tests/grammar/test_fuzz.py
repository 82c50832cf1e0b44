"""Random garbage: nothing but grammar errors come out."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def fuzz(seed: int, *, schemas: int, regexes: int, larks: int) -> None:
    """Some of so many are compiled, the rest is refused."""
    numbers = map(str, (seed, schemas, regexes, larks))
    command = [sys.executable, "-m", "tests.grammar.garbage", *numbers]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert 0 < int(ran.stdout) < schemas + regexes + larks


def test_garbage() -> None:
    pytest.importorskip("lark", reason="the lark library is absent (extra: grammar)")
    fuzz(0, schemas=300, regexes=200, larks=40)


@pytest.mark.slow
def test_much_garbage() -> None:
    fuzz(1, schemas=20_000, regexes=20_000, larks=2_000)
