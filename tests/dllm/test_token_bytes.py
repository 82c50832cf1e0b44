"""What tokens write, and tokenizers that do not say it."""

import dataclasses
from typing import Any

import pytest
import tokenizers
from tokenizers import decoders

from dllm.token_bytes import token_bytes, vocabulary_of
from dllm.tokenizer import Tokenizer
from tests import models

WORDS = {"a": 0, "Ġb": 1, "Ã©": 2, "Ã": 3}


def made(decoder: Any) -> Tokenizer:
    inner = tokenizers.Tokenizer(tokenizers.models.BPE(WORDS, []))
    if decoder is not None:
        inner.decoder = decoder
    inner.add_special_tokens(["<mask>"])
    inner.add_tokens(["ab"])
    return Tokenizer(inner, 4)


@pytest.mark.parametrize(
    "decoder", [decoders.ByteLevel(), decoders.Sequence([decoders.ByteLevel()])]
)
def test_bytes(decoder: Any) -> None:
    """A token may be part of a character; special tokens and ids without a token write nothing."""
    expected = [b"a", b" b", "é".encode(), "é".encode()[:1], None, b"ab", None]
    assert token_bytes(made(decoder), 7) == expected


@pytest.mark.parametrize(
    ("decoder", "kind"),
    [
        (None, "None"),
        (decoders.WordPiece(), "'WordPiece'"),
        (decoders.Metaspace(), "'Metaspace'"),
        (decoders.Sequence([decoders.ByteLevel(), decoders.Fuse()]), "'Sequence'"),
    ],
)
def test_without_bytes(decoder: Any, kind: str) -> None:
    rule = r"^grammar: the tokenizer must be byte-level, so that tokens are bytes, got decoder "
    with pytest.raises(ValueError, match=f"{rule}{kind}$"):
        token_bytes(made(decoder), 7)


def test_without_a_tokenizer() -> None:
    model = dataclasses.replace(models.small(), tokenizer=None)
    with pytest.raises(ValueError, match=r"has no tokenizer, which grammars need$"):
        vocabulary_of(model, frozenset())
