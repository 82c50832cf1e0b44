"""The tiny model's tokenizer: what is one token, what comes back, what fits."""

import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.tasks import embedded, official, waiting_line
from benchmarks.tasks.catalogue import KINDS, LINES
from benchmarks.tasks.latin_square import SYMBOLS
from benchmarks.tasks.names import FIRST, LAST
from benchmarks.tiny import vocabulary
from dllm.chat import ChatTemplate, find_template
from dllm.tokenizer import Tokenizer, find_tokenizer


@cache
def made() -> Tokenizer:
    return Tokenizer(vocabulary.build(), 2044)


def tokens(text: str) -> list[str]:
    return [made().inner.decode([i], skip_special_tokens=False) for i in made().encode(text)]


def test_size_and_special_ids() -> None:
    assert made().inner.get_vocab_size() == vocabulary.SIZE == 2048
    ids = [made().id_of(text) for text in vocabulary.SPECIALS]
    assert ids == [2044, 2045, 2046, 2047]


@pytest.mark.parametrize("listed", [FIRST, LAST])
def test_names_are_one_token_with_and_without_a_space(listed: tuple[str, ...]) -> None:
    assert [len(made().encode(name)) for name in listed] == [1] * len(listed)
    assert [len(made().encode(f" {name}")) for name in listed] == [1] * len(listed)


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ('["Ann Lee", "Roy Fox"]', ['["', "Ann", " Lee", '", "', "Roy", " Fox", '"]']),
        ('Copy: ["Ann Lee"]', ["Copy", ": ", '["', "Ann", " Lee", '"]']),
        ("A,7,K,Z\n7", ["A", ",", "7", ",", "K", ",", "Z", "\n", "7"]),
        ("[A, 7, K, Z].", ["[", "A", ", ", "7", ", ", "K", ", ", "Z", "]", "."]),
        ("4312\n10", ["4", "3", "1", "2", "\n", "1", "0"]),
        ("a\n\nb", ["a", "\n\n", "b"]),
        ("<|user|>Sort<|endoftext|>", ["<|user|>", "Sort", "<|endoftext|>"]),
    ],
)
def test_pieces(text: str, pieces: list[str]) -> None:
    assert tokens(text) == pieces


def test_symbols_of_squares_are_the_same_token_in_questions_and_answers() -> None:
    assert all(tokens(f"{symbol},x") == [symbol, ",", "x"] for symbol in SYMBOLS)
    assert all(tokens(f"[x, {symbol}]")[3] == symbol for symbol in SYMBOLS)


@given(st.text())
def test_any_text_comes_back(text: str) -> None:
    assert made().decode(made().encode(text)) == text


@pytest.mark.parametrize(
    "text", ["  two  spaces ", "\t\r\n\n\n\n", "👩‍👩‍👧 ñ é", '""""[[]]::,,', " A B", "x" * 1000]
)
def test_odd_texts_come_back(text: str) -> None:
    assert made().decode(made().encode(text)) == text


@pytest.mark.parametrize("task", KINDS)
def test_official_answers_fit(task: str) -> None:
    rng = np.random.default_rng(0)
    answers = [embedded.draw(task, rng, (6, 6)).answer for _ in range(20)]
    assert max(len(made().encode(answer + vocabulary.END)) for answer in answers) <= 32


@pytest.mark.parametrize("task", LINES)
def test_embedded_prompts_are_short(task: str) -> None:
    rng = np.random.default_rng(0)
    prompts = [embedded.sample(task, rng, (4, 4)).prompt for _ in range(30)]
    assert max(len(made().encode(prompt)) for prompt in prompts) <= 24


def test_official_words_are_whole() -> None:
    rng = np.random.default_rng(0)
    for task in LINES:
        said = official.example(waiting_line.draw(task, rng)).prompt
        assert set(re.findall("[a-zA-Z]+", said)) <= {token.strip() for token in tokens(said)}


def test_files_are_what_the_runtime_reads(tmp_path: Path) -> None:
    vocabulary.write_tokenizer(tmp_path / "made")
    found = find_tokenizer(tmp_path / "made", 2044)
    assert found is not None
    assert found.encode('Sort: ["Ann Lee"]') == made().encode('Sort: ["Ann Lee"]')
    assert 2044 not in found.encode("what <|mask|> is")
    assert found.decode(found.encode("what <|mask|> is")) == "what <|mask|> is"


def test_files_are_the_same_in_another_process(tmp_path: Path) -> None:
    vocabulary.write_tokenizer(tmp_path / "here")
    program = (
        "from pathlib import Path; from benchmarks.tiny import vocabulary; "
        f"vocabulary.write_tokenizer(Path({str(tmp_path / 'there')!r}))"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        here, there = (tmp_path / place / name for place in ("here", "there"))
        assert here.read_bytes() == there.read_bytes()


def template(folder: Path) -> ChatTemplate:
    vocabulary.write_tokenizer(folder)
    found = find_template(folder)
    assert found is not None
    return found


def test_chat(tmp_path: Path) -> None:
    example = embedded.sample("sudoku_n4", np.random.default_rng(0))
    shown = example._replace(prompt=" Q2\n", turns=(("Q1\n", " A1 "),))
    assert template(tmp_path).render(shown.messages) == (
        "<|user|>Q1<|assistant|>A1<|endoftext|><|user|>Q2<|assistant|>"
    )


def test_chat_refuses_other_roles(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="role must be user or assistant, got system"):
        template(tmp_path).render([{"role": "system", "content": "Be brief."}])
