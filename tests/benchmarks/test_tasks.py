"""The rules of the tasks: what samplers draw, how it is worded, what the scored examples are."""

import itertools
import json
import re
from collections import Counter
from typing import Any

import numpy as np
import pytest

from benchmarks.tasks import embedded, latin_square, names, official, sudoku, waiting_line, wordings
from benchmarks.tasks.catalogue import KINDS, LINES
from benchmarks.tasks.example import Example, Instance
from benchmarks.tasks.graders import grade
from tests.benchmarks.parallelbench import listed_names, needs_names, own_names


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def people_of(instance: Instance) -> list[str]:
    return json.loads(str(instance.fields["context"]))


@pytest.mark.parametrize("listed", [names.FIRST, names.LAST])
def test_names_are_plain_words_in_order(listed: tuple[str, ...]) -> None:
    assert list(listed) == sorted(set(listed))
    assert len(listed) >= 300
    assert all(re.fullmatch("[A-Z][A-Za-z]+", name) for name in listed)


@needs_names
def test_names_cover_the_published() -> None:
    first, last = listed_names()
    assert set(first) <= set(names.FIRST)
    assert set(last) <= set(names.LAST)


@pytest.mark.parametrize("task", KINDS)
def test_drawn_answers_pass(task: str) -> None:
    random = rng()
    for _ in range(200):
        made = embedded.sample(task, random)
        assert grade(task, made.label, made.answer)
        assert grade(task, made.label, made.answer, strict=True)


@pytest.mark.parametrize("task", KINDS)
def test_official_answers_pass(task: str) -> None:
    made = official.instances(task, own_names())
    assert len(made) == 100
    for instance in made:
        example = official.example(instance)
        assert grade(task, example.label, example.answer)
        assert grade(task, example.label, example.answer, strict=True)


@pytest.mark.parametrize(
    ("task", "word", "place", "after"),
    [
        ("copy", None, 0, ["Bo Fox", "Ann Lee", "Al Roy"]),
        ("reverse", None, 0, ["Al Roy", "Ann Lee", "Bo Fox"]),
        ("sort", None, 0, ["Al Roy", "Ann Lee", "Bo Fox"]),
        ("insert_index", "Di Day", 1, ["Bo Fox", "Di Day", "Ann Lee", "Al Roy"]),
        ("insert_random", "Di Day", 0, ["Di Day", "Bo Fox", "Ann Lee", "Al Roy"]),
        ("insert_index", "Di Day", 3, ["Bo Fox", "Ann Lee", "Al Roy", "Di Day"]),
        ("remove_index", None, 1, ["Ann Lee", "Al Roy"]),
        ("remove_random", None, 3, ["Bo Fox", "Ann Lee"]),
        ("replace_index", "Di Day", 2, ["Bo Fox", "Di Day", "Al Roy"]),
        ("replace_random", "Di Day", 3, ["Bo Fox", "Ann Lee", "Di Day"]),
    ],
)
def test_operations(task: str, word: str | None, place: int, after: list[str]) -> None:
    line = ["Bo Fox", "Ann Lee", "Al Roy"]
    assert waiting_line.result(task, line, word, place) == after


@pytest.mark.parametrize("task", LINES)
def test_lengths_are_drawn_between_bounds(task: str) -> None:
    random = rng()
    drawn = {len(people_of(waiting_line.draw(task, random, (2, 8)))) for _ in range(200)}
    assert drawn == set(range(2, 9))


def test_lines_of_one() -> None:
    assert waiting_line.draw("remove_random", rng(), (1, 1)).answer == "[]"
    assert len(people_of(waiting_line.draw("shuffle", rng(), (1, 2)))) == 2


@pytest.mark.parametrize(
    ("task", "lengths", "message"),
    [
        ("copy", (0, 3), r"lengths: must be 1 or more and in order, got \(0, 3\)"),
        ("copy", (4, 3), r"lengths: must be 1 or more and in order, got \(4, 3\)"),
        ("shuffle", (1, 1), "shuffle: a line must have at least 2 people .*got 1"),
    ],
)
def test_refuses_lengths(task: str, lengths: tuple[int, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        embedded.sample(task, rng(), lengths)


def even(drawn: list[Any], outcomes: int) -> bool:
    """Whether each outcome is about as frequent as any other (five standard deviations)."""
    counts, expected = Counter(drawn), len(drawn) / outcomes
    return len(counts) == outcomes and all(
        abs(count - expected) < 5 * expected**0.5 for count in counts.values()
    )


@pytest.mark.parametrize(
    ("task", "outcomes"),
    [("shuffle", 5), ("insert_random", 4), ("remove_random", 3), ("replace_random", 3)],
)
def test_random_answers_are_uniform(task: str, outcomes: int) -> None:
    random = rng()
    places = []
    for _ in range(3000):
        made = waiting_line.draw(task, random, (3, 3))
        seat = {person: i for i, person in enumerate(people_of(made))}
        places.append(tuple(seat.get(person, -1) for person in json.loads(made.answer)))
    assert even(places, outcomes)


def test_squares_are_all_and_uniform() -> None:
    assert len(set(latin_square.squares())) == 576
    random, drawn, symbols = rng(), [], Counter[str]()
    for _ in range(576 * 20):
        made = latin_square.draw(random)
        order = {symbol: i for i, symbol in enumerate(made.label["symbols"])}
        drawn.append(tuple(order[cell] for cell in re.split("[,\n]", made.answer)))
        symbols.update(order)
    assert even(drawn, 576)
    assert set(symbols) == set(latin_square.SYMBOLS)


def solutions(puzzle: str) -> list[str]:
    """By trying all digits in all holes."""
    cells = puzzle.replace("\n", "")
    holes = [i for i, cell in enumerate(cells) if cell == "0"]
    found = []
    for digits in itertools.product("1234", repeat=len(holes)):
        filled = list(cells)
        for hole, digit in zip(holes, digits, strict=True):
            filled[hole] = digit
        if all(len({filled[i] for i in unit}) == 4 for unit in UNITS):
            found.append("\n".join("".join(filled[i : i + 4]) for i in range(0, 16, 4)))
    return found


UNITS = [
    *[[4 * row + column for column in range(4)] for row in range(4)],
    *[[4 * row + column for row in range(4)] for column in range(4)],
    *[[4 * (r + i) + c + j for i in (0, 1) for j in (0, 1)] for r in (0, 2) for c in (0, 2)],
]


def test_sudokus_have_four_holes_and_one_solution() -> None:
    random = rng()
    for made in [*(sudoku.draw(random) for _ in range(50)), *sudoku.official(50)]:
        puzzle = str(made.fields["sudoku"])
        assert puzzle.count("0") == 4
        assert solutions(puzzle) == [made.answer]


def test_grids_are_all_and_drawn_about_evenly() -> None:
    assert len(np.unique(sudoku.grids(), axis=0)) == 288
    random = rng()
    assert even([sudoku.draw(random).answer for _ in range(288 * 20)], 288)


@pytest.mark.parametrize("task", KINDS)
def test_same_seed_same_example(task: str) -> None:
    assert embedded.sample(task, rng(3)) == embedded.sample(task, rng(3))
    assert embedded.sample(task, rng(3)) != embedded.sample(task, rng(4))


def test_unknown_task() -> None:
    with pytest.raises(ValueError, match=r"task: must be one of .*got 'sorting'"):
        embedded.sample("sorting", rng())


@pytest.mark.parametrize("task", LINES)
def test_wordings_show_the_line_and_every_field(task: str) -> None:
    made = waiting_line.draw(task, rng())
    for variant in range(len(wordings.WORDINGS[task])):
        text = wordings.prompt(made, variant)
        assert text.endswith(f": {made.fields['context']}")
        assert all(str(value) in text for value in made.fields.values())


def test_no_wording_serves_two_tasks() -> None:
    listed = [text for texts in wordings.WORDINGS.values() for text in texts]
    assert len(set(listed)) == len(listed) == 3 * len(KINDS)


def test_puzzles_in_words() -> None:
    square = latin_square.draw(rng())
    assert wordings.prompt(square, 0) == "Latin square: " + ",".join(square.label["symbols"])
    grid = sudoku.draw(rng())
    assert wordings.prompt(grid, 0) == f"Sudoku:\n{grid.fields['sudoku']}"


@pytest.mark.parametrize("task", KINDS)
def test_evaluations_begin_alike_and_repeat_nothing(task: str) -> None:
    longer = embedded.evaluation(task, 60)
    assert embedded.evaluation(task, 20) == longer[:20]
    assert len({example.key for example in longer}) == 60


@pytest.mark.parametrize("count", [0, embedded.SCORED + 1])
def test_evaluation_refuses(count: int) -> None:
    with pytest.raises(ValueError, match=rf"limit: must be in \[1, 1000\] .*got {count}"):
        embedded.evaluation("copy", count)


def test_scored_questions_are_left_out() -> None:
    scored = embedded.scored_keys(["sudoku_n4"])
    assert len(scored) == embedded.SCORED
    random = rng()
    free = {embedded.draw("sudoku_n4", random).key for _ in range(3000)}
    assert free & scored  # by chance, of all puzzles there are
    random = rng()
    kept = {embedded.draw("sudoku_n4", random, exclude=scored).key for _ in range(3000)}
    assert kept
    assert not kept & scored


def test_keys_tell_questions_apart_whatever_the_words() -> None:
    made = waiting_line.draw("insert_index", rng())
    words: list[Example] = [wordings.example(made, rng(seed)) for seed in range(5)]
    assert {example.key for example in [*words, official.example(made)]} == {made.key}
    moved = made._replace(fields={**made.fields, "index": int(made.fields["index"]) + 1})
    assert moved.key != made.key
    assert made._replace(task="insert_random").key != made.key
