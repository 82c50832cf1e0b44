"""Logged examples against the hashes of published runs."""

import pytest

from benchmarks.export.documents import hashes, metadata, rank_order, target, task_hash
from benchmarks.tasks import official
from benchmarks.tasks.example import Example
from tests.benchmarks.parallelbench import full_names, needs_names

TASK_HASHES = {
    "copy": "059cca572d1a14a751c0466c9c7253bd34233fecd7412515779f73b04fcc089a",
    "reverse": "75d7f47f0a42cf221a26c5f94b84238b70ebcd2ea40cf9ffa3fac918a83a0150",
    "shuffle": "af76e47412e5aa2c9b1bc04d50f0326433a6c1042fe6b9be71d8be5693298f06",
    "sort": "e0fb40cf9bde813b500ca02a3e8d433235ff8b3da5c2f9c8e36b7b6706750861",
    "insert_index": "6c9cb1fd8abb8ac47cd1b0423b87eedaa1a549139529f49bebde036d7321fed6",
    "insert_random": "bd64428a0e2003e1fe1fe361e0cb8956c8faa02128c1a4ff5952eca260ad1e1a",
    "remove_index": "1bd87bc238f28a3cc3a9416c1f2a2ccfff461397728d03f66f7a96ec5cfaeba1",
    "remove_random": "20a7e41583a3cbd97bc37a463823655e578fe3059d33411dd3e78b855d1916c9",
    "replace_index": "191f60e2901e4875dbe9e98fe6116cd6c2eeefe0d9eef674c5fd2b7c08a9292b",
    "replace_random": "b29c2b4f1249401f26f7405b677bf6503e83fad763275bd6c73558b64a13f401",
    "latin_square_n4": "20b6bcc41712cde8353b19a5d18dad54909d81e1205b0b67778b44c729cdf1dd",
    "sudoku_n4": "7c463b21920f51109ef7f2f37854ad6f9d2049cf71225ab9c5a631e9abd259f8",
}
"""Of the runs of LLaDA-1.5 on the leaderboard."""


def as_llada_reads(example: Example) -> str:
    """LLaDA's chat template, which trims what is said."""
    turns = [
        f"<|start_header_id|>{said['role']}<|end_header_id|>\n\n{said['content'].strip()}<|eot_id|>"
        for said in example.messages
    ]
    return f"<|startoftext|>{''.join(turns)}<|start_header_id|>assistant<|end_header_id|>\n\n"


def record(number: int, example: Example) -> dict[str, object]:
    return {
        "number": number,
        "messages": example.messages,
        "label": example.label,
        "answer": example.answer,
        "key": list(example.key),
        "prompt": as_llada_reads(example),
    }


@needs_names
@pytest.mark.parametrize("task", TASK_HASHES)
def test_tasks_are_those_of_published_runs(task: str) -> None:
    """All 100 examples, their prompts, labels and targets, to the byte."""
    made = [official.example(instance) for instance in official.instances(task, full_names())]
    listed = [hashes(record(number, made[number])) for number in sorted(range(100), key=rank_order)]
    assert task_hash(listed) == TASK_HASHES[task]


def test_metadata() -> None:
    line = 'context=["A B", "C D", "E F"]'
    assert metadata(["copy", line]) == {"length": 3}
    insertion = metadata(["insert_index", line, "index=2", "word=X Y"])
    assert insertion == {"index": 2, "length": 3, "word": "X Y"}
    assert metadata(["remove_index", line, "index=2"]) == {"index": 1, "length": 3}
    assert metadata(["remove_random", line]) == {"index": None, "length": 3}
    assert metadata(["sudoku_n4", "sudoku=0"]) == {"length": 4, "num_holes": 4}
    assert metadata(["latin_square_n4", "size=4", "symbols=[A, B, C, D]"]) == {"length": 4}
    assert metadata(["words_to_sentence_easy", "words=a"]) == {}


def test_target() -> None:
    assert target({"label": ["A B"], "answer": '["A B"]'}) == "['A B']"
    assert target({"label": {"input": []}, "answer": '["A B"]'}) == '["A B"]'


def test_order_of_processes() -> None:
    assert sorted(range(18), key=rank_order)[:6] == [0, 8, 16, 1, 9, 17]
