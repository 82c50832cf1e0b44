"""Ten operations on a line of people.

The rules are written once. Where chance comes from is a `Draws`: the benchmark's own random stream,
or a NumPy generator over this project's names.
"""

import json
import random
from collections.abc import Sequence
from typing import Protocol

import numpy as np

from benchmarks.tasks import names
from benchmarks.tasks.catalogue import seed_of
from benchmarks.tasks.example import Instance, Label

WITH_WORD = ("insert", "replace")
OFFICIAL_LENGTHS = (3, 4, 5, 6)
OFFICIAL_PER_LENGTH = 25

_NO_ORDER = "shuffle: a line must have at least 2 people to get another order, got {}"


class Draws(Protocol):
    """The choices that make an instance, in the order in which they are asked for."""

    def people(self, count: int) -> list[str]:
        """Different people, in line."""
        ...

    def newcomer(self, people: Sequence[str]) -> str:
        """Somebody who does not stand in line."""
        ...

    def number(self, low: int, high: int) -> int:
        """A whole number, both ends included."""
        ...

    def reordered(self, people: Sequence[str]) -> list[str]:
        """The same people in another order."""
        ...


class OwnDraws:
    """This project's names by a NumPy generator; every choice is uniform."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng

    def people(self, count: int) -> list[str]:
        return names.draw(self._rng, count)

    def newcomer(self, people: Sequence[str]) -> str:
        while (drawn := names.draw(self._rng, 1)[0]) in people:
            pass
        return drawn

    def number(self, low: int, high: int) -> int:
        return int(self._rng.integers(low, high + 1))

    def reordered(self, people: Sequence[str]) -> list[str]:
        drawn = list(people)
        while drawn == people:
            drawn = [people[int(i)] for i in self._rng.permutation(len(people))]
        return drawn


class OfficialDraws:
    """The benchmark's stream of chance over a list of full names."""

    def __init__(self, rng: random.Random, full_names: Sequence[str]) -> None:
        self._rng, self._names = rng, full_names

    def people(self, count: int) -> list[str]:
        return self._rng.sample(self._names, count)

    def newcomer(self, people: Sequence[str]) -> str:
        return self._rng.choice([name for name in self._names if name not in people])

    def number(self, low: int, high: int) -> int:
        return self._rng.randint(low, high)

    def reordered(self, people: Sequence[str]) -> list[str]:
        drawn = list(people)
        while drawn == people:
            self._rng.shuffle(drawn)
        return drawn


def draw(task: str, rng: np.random.Generator, lengths: tuple[int, int] = (3, 6)) -> Instance:
    """An instance of own names; the line's length is uniform between two bounds, both included.

    A line to shuffle has at least 2 people whatever the lower bound.

    Raises:
        ValueError: bounds that no line of this task can have.
    """
    low, high = lengths
    if not 1 <= low <= high:
        raise ValueError(f"lengths: must be 1 or more and in order, got {lengths}")
    if task == "shuffle":
        low = max(low, 2)
        if high < low:
            raise ValueError(_NO_ORDER.format(high))
    draws = OwnDraws(rng)
    return instance(task, draws, draws.number(low, high))


def official(task: str, full_names: Sequence[str]) -> list[Instance]:
    """The 100 scored instances: 25 for each length, whose surplus is drawn and dropped."""
    rng = random.Random(seed_of(task))
    draws = OfficialDraws(rng, full_names)
    found: dict[int, list[Instance]] = {length: [] for length in OFFICIAL_LENGTHS}
    while any(len(kept) < OFFICIAL_PER_LENGTH for kept in found.values()):
        length = rng.randint(OFFICIAL_LENGTHS[0], OFFICIAL_LENGTHS[-1])
        made = instance(task, draws, length)
        if len(found[length]) < OFFICIAL_PER_LENGTH:
            found[length].append(made)
    return [made for kept in found.values() for made in kept]


def instance(task: str, draws: Draws, length: int) -> Instance:
    """One question and its answer. Positions count from 1; 0 inserts ahead of everybody."""
    operation, _, choice = task.partition("_")
    people = draws.people(length)
    word = draws.newcomer(people) if operation in WITH_WORD else None
    lowest = 0 if task == "insert_random" else 1
    place = draws.number(lowest, length) if choice else 0
    answer = draws.reordered(people) if task == "shuffle" else result(task, people, word, place)
    fields: dict[str, str | int] = {"context": written(people)}
    if word is not None:
        fields["word"] = word
    if choice == "index":
        fields["index"] = place
    return Instance(task, fields, written(answer), _label(task, people, word, answer))


def result(task: str, people: Sequence[str], word: str | None, place: int) -> list[str]:
    """The line after an operation that leaves no choice."""
    operation = task.partition("_")[0]
    new = [] if word is None else [word]
    match operation:
        case "copy":
            return list(people)
        case "reverse":
            return list(reversed(people))
        case "sort":
            return sorted(people)  # by the full name, as the benchmark does
        case "insert":
            return [*people[:place], *new, *people[place:]]
    return [*people[: place - 1], *new, *people[place:]]  # remove, replace


def written(people: Sequence[str]) -> str:
    """A line as prompts and answers show it: `["Ann Lee", "Bo Fox"]`."""
    return json.dumps(list(people), ensure_ascii=False)


def _label(task: str, people: list[str], word: str | None, answer: list[str]) -> Label:
    if task != "shuffle" and not task.endswith("_random"):
        return answer
    new = {} if word is None else {"word": word}
    return {"input": people, **new, "example": written(answer)}
