"""The official instances and prompts against published checksums and rows."""

import hashlib

import pytest

from benchmarks.tasks import official, rows
from benchmarks.tasks.catalogue import KINDS, LINES, seed_of
from benchmarks.tasks.convert import CHECKSUMS
from benchmarks.tasks.example import Example
from tests.benchmarks.parallelbench import ROWS, full_names, needs_names, needs_rows, own_names

SEEDS = {
    "copy": 31940,
    "reverse": 31383,
    "shuffle": 30142,
    "sort": 48898,
    "insert_index": 29284,
    "insert_random": 19462,
    "remove_index": 40542,
    "remove_random": 37385,
    "replace_index": 2399,
    "replace_random": 50823,
    "latin_square_n4": 51291,
    "sudoku_n4": 11473,
}


def checksum(lines: list[str], between: str = "\n") -> str:
    return hashlib.sha256(between.join(lines).encode()).hexdigest()[:16]


def test_seeds() -> None:
    assert {task: seed_of(task) for task in KINDS} == SEEDS


@needs_names
def test_published_names() -> None:
    assert checksum(full_names()) == "8ea0b7be80cd873d"


@needs_names
@pytest.mark.parametrize("task", LINES)
def test_lines_are_the_published(task: str) -> None:
    asked = [
        "|".join(str(made.fields.get(name, "")) for name in ("context", "word", "index"))
        for made in official.instances(task, full_names())
    ]
    assert checksum(asked) == CHECKSUMS[task]


def test_puzzles_are_the_published() -> None:
    squares = official.instances("latin_square_n4", ())
    assert (
        checksum([str(made.fields["symbols"]) for made in squares]) == CHECKSUMS["latin_square_n4"]
    )
    sudokus = official.instances("sudoku_n4", ())
    solved = [f"{made.fields['sudoku']}|{made.answer}" for made in sudokus]
    assert checksum(solved, "\n\n") == CHECKSUMS["sudoku_n4"]
    assert len(set(solved)) == 100


def test_squares_are_turned_back() -> None:
    """As in the samples of published runs, of which this is the 96th."""
    assert official.instances("latin_square_n4", ())[95].answer == (
        "V,0,6,K\nK,V,0,6\n0,6,K,V\n6,K,V,0"
    )


@needs_names
@needs_rows
@pytest.mark.parametrize("task", KINDS)
def test_rows_are_what_the_generator_makes(task: str) -> None:
    made = [official.example(instance) for instance in official.instances(task, full_names())]
    read = rows.load(ROWS, task)
    if task == "latin_square_n4":  # the recorded rows show another square on the same symbols
        made, read = ([without_square(example) for example in some] for some in (made, read))
    assert read == made


def without_square(example: Example) -> Example:
    return example._replace(answer="", label=example.label["symbols"])


def test_lengths_come_in_quarters() -> None:
    made = official.instances("sort", own_names())
    assert [len(instance.label) for instance in made] == [3] * 25 + [4] * 25 + [5] * 25 + [6] * 25


def test_example_turn_stands_before_the_question() -> None:
    instance = official.instances("insert_index", own_names())[0]
    example = official.example(instance)
    shown, answered, asked = example.messages
    assert [message["role"] for message in example.messages] == ["user", "assistant", "user"]
    assert (
        'A new person "Virginia Hayes" joins the line after the person at position 1:'
        in (shown["content"])
    )
    assert answered["content"] == (
        '["Patrick Hicks", "Virginia Hayes", "Roy Ortiz", "Eric Reynolds"]'
    )
    assert asked["content"] == example.prompt
    assert str(instance.fields["context"]) in example.prompt


def test_unknown_task() -> None:
    with pytest.raises(ValueError, match=r"task: must be one of copy, .*got 'sorting'"):
        official.instances("sorting", ())
