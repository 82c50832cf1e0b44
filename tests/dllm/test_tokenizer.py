"""Text to ids: no text becomes a hole."""

import json
from pathlib import Path

import pytest
import tokenizers
from hypothesis import example, given
from hypothesis import strategies as st
from tokenizers import decoders, models, pre_tokenizers

import dllm
from dllm.models.random import byte_tokenizer
from dllm.tokenizer import Tokenizer, find_tokenizer

MASK, END = 300, 301
BYTES = Tokenizer(byte_tokenizer({"<|mask|>": MASK, "<|end|>": END}), MASK)


@given(st.text(max_size=30))
@example("a<|mask|>b<|mask|><|mask|>")
@example("<|mask|>")
@example("<<|mask|>|mask|>")
def test_no_text_becomes_a_hole(text: str) -> None:
    ids = BYTES.encode(text)
    assert MASK not in ids
    assert BYTES.decode(ids) == text


def test_other_special_tokens_count_as_such() -> None:
    assert BYTES.encode("<|end|>") == [END]
    assert BYTES.decode([*BYTES.encode("a"), END, dllm.MASK, dllm.VOID, 319]) == "a"


def test_refuses_text_that_cannot_but_be_the_mask() -> None:
    inner = tokenizers.Tokenizer(models.WordLevel({"[M]": 0, "x": 1}, unk_token="x"))
    with pytest.raises(ValueError, match=r"must not spell the mask token '\[M\]', got '\[M\]'"):
        Tokenizer(inner, 0).encode("[M]")


def _merges_folder(folder: Path, **config: object) -> Path:
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    words = [*alphabet, "he", "ll", "hell", "hello"]
    vocab = {word: number for number, word in enumerate(words)}
    (folder / "vocab.json").write_text(json.dumps(vocab))
    (folder / "merges.txt").write_text("#version: 0.2\nh e\nl l\nhe ll\nhell o\n")
    added = {"261": {"content": "<|mask|>", "special": True}, "260": {"content": "<|x|>"}}
    content = {"tokenizer_class": "Qwen2Tokenizer", "added_tokens_decoder": added, **config}
    (folder / "tokenizer_config.json").write_text(json.dumps(content))
    return folder


def test_vocabulary_and_merges_are_enough(tmp_path: Path) -> None:
    found = find_tokenizer(_merges_folder(tmp_path), 261)
    assert found is not None
    assert found.encode("hello") == [259]
    assert found.encode("<|x|>hello") == [260, 259]
    assert found.decode(found.encode("hello wörld 123\n")) == "hello wörld 123\n"
    digits = found.encode("12")
    assert len(digits) == 2
    assert 261 not in found.encode("<|mask|>")


def test_refuses_merges_of_an_unknown_kind(tmp_path: Path) -> None:
    folder = _merges_folder(tmp_path, tokenizer_class="Strange")
    with pytest.raises(dllm.CheckpointError, match=r"must be one of Qwen2Tokenizer, .* 'Strange'"):
        find_tokenizer(folder, 261)


def test_refuses_added_tokens_in_the_wrong_place(tmp_path: Path) -> None:
    folder = _merges_folder(tmp_path, added_tokens_decoder={"300": {"content": "<|x|>"}})
    with pytest.raises(dllm.CheckpointError, match=r"'<\|x\|>' must have id 300, got 260"):
        find_tokenizer(folder, 300)


def test_no_files_no_tokenizer(tmp_path: Path) -> None:
    assert find_tokenizer(tmp_path, 0) is None


def test_byte_tokenizer_decodes_bytes() -> None:
    inner = byte_tokenizer({"<|end|>": 400})
    assert isinstance(inner.decoder, decoders.ByteLevel)
    assert inner.encode("ä<|end|>").ids[-1] == 400
