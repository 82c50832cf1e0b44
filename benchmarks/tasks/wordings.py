"""The embedded wording: a few words and the line or the puzzle, no example turn."""

from collections.abc import Mapping

import numpy as np

from benchmarks.tasks.example import Example, Instance, worded

WORDINGS: Mapping[str, tuple[str, ...]] = {
    "copy": (
        "Copy: {context}",
        "Copy the list: {context}",
        "Keep this order: {context}",
    ),
    "reverse": (
        "Reverse: {context}",
        "Reverse the list: {context}",
        "Last comes first: {context}",
    ),
    "shuffle": (
        "Shuffle: {context}",
        "Shuffle the list: {context}",
        "Any other order: {context}",
    ),
    "sort": (
        "Sort: {context}",
        "Sort the list: {context}",
        "In alphabetical order: {context}",
    ),
    "insert_index": (
        'Insert "{word}" after {index}: {context}',
        'Add "{word}" behind number {index}: {context}',
        'Let "{word}" in right after {index}: {context}',
    ),
    "insert_random": (
        'Insert "{word}" anywhere: {context}',
        'Add "{word}" at any place: {context}',
        'Let "{word}" in somewhere: {context}',
    ),
    "remove_index": (
        "Remove {index}: {context}",
        "Take out number {index}: {context}",
        "Drop the person at {index}: {context}",
    ),
    "remove_random": (
        "Remove anyone: {context}",
        "Take out any name: {context}",
        "Drop one person: {context}",
    ),
    "replace_index": (
        'Replace {index} with "{word}": {context}',
        'Exchange number {index} for "{word}": {context}',
        'Seat "{word}" instead of {index}: {context}',
    ),
    "replace_random": (
        'Replace anyone with "{word}": {context}',
        'Exchange any name for "{word}": {context}',
        'Seat "{word}" instead of somebody: {context}',
    ),
    "latin_square_n4": (
        "Latin square: {symbols}",
        "Make a Latin square: {symbols}",
        "Each once in every row and column: {symbols}",
    ),
    "sudoku_n4": (
        "Sudoku:\n{sudoku}",
        "Solve the sudoku:\n{sudoku}",
        "Fill in the zeros:\n{sudoku}",
    ),
}
"""By task; positions count from 1."""


def prompt(instance: Instance, variant: int) -> str:
    """An instance in one of its wordings."""
    fields = dict(instance.fields)
    if "symbols" in fields:
        fields["symbols"] = ",".join(instance.label["symbols"])
    return WORDINGS[instance.task][variant].format(**fields)


def example(instance: Instance, rng: np.random.Generator) -> Example:
    """An instance in any of its wordings."""
    return worded(instance, prompt(instance, int(rng.integers(len(WORDINGS[instance.task])))))
