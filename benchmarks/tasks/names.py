"""People in a line: this project's own first and last names, and full names drawn from them."""

from pathlib import Path

import numpy as np


def _listed(file: str) -> tuple[str, ...]:
    return tuple((Path(__file__).parent / file).read_text("ascii").split())


FIRST = _listed("first_names.txt")
LAST = _listed("last_names.txt")


def draw(rng: np.random.Generator, count: int) -> list[str]:
    """Different full names, each as likely as any other."""
    while True:
        numbers = rng.integers(len(FIRST) * len(LAST), size=count).tolist()
        if len(set(numbers)) == count:
            return [f"{FIRST[i // len(LAST)]} {LAST[i % len(LAST)]}" for i in numbers]
