"""Answers block by block."""

from typing import Any

import pytest

import dllm
from dllm.stream import _certain
from tests.models import small

MODEL = small()
OPTIONS: dict[str, Any] = {"gen_length": 24, "block_length": 8, "temperature": 1.0}


@pytest.mark.parametrize("seed", range(4))
def test_chunks_add_up_to_the_answer(seed: int) -> None:
    whole = dllm.generate(MODEL, "hello", seed=seed, **OPTIONS)
    chunks = list(dllm.stream(MODEL, "hello", seed=seed, **OPTIONS))
    assert "".join(chunk.text for chunk in chunks) == whole.text
    assert [token for chunk in chunks for token in chunk.tokens] == whole.tokens
    assert [chunk.generation is None for chunk in chunks] == [True] * (len(chunks) - 1) + [False]
    assert chunks[-1].generation == whole
    assert whole.outcome == "ended" or len(chunks) == 3


def test_stop_strings_are_never_shown() -> None:
    plain = dllm.generate(MODEL, "hello", **OPTIONS)
    for at in range(2, len(plain.text) - 2, 3):
        stop = plain.text[at : at + 2]
        whole = dllm.generate(MODEL, "hello", stop=stop, **OPTIONS)
        chunks = list(dllm.stream(MODEL, "hello", stop=stop, **OPTIONS))
        assert "".join(chunk.text for chunk in chunks) == whole.text
        assert chunks[-1].generation == whole


@pytest.mark.parametrize(
    ("text", "stop", "certain"),
    [
        ("abc", [], "abc"),
        ("ab\ufffd\ufffd", [], "ab"),
        ("say en", ["end"], "say "),
        ("say e", ["end", "ends"], "say "),
        ("say", ["end"], "say"),
    ],
)
def test_holds_back_what_may_change(text: str, stop: list[str], certain: str) -> None:
    assert _certain(text, stop) == certain
