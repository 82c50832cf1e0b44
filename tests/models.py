"""A loaded model for tests of the text functions: random weights, a byte tokenizer."""

import dataclasses
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import dllm
from dllm.chat import ChatTemplate
from dllm.tokenizer import Tokenizer
from tests import checkpoints


@cache
def small() -> dllm.Model:
    """A model whose likeliest tokens are spread over all bytes."""
    with TemporaryDirectory() as folder:
        return dllm.load(checkpoints.make(Path(folder) / "small"))


def chatty() -> dllm.Model:
    """The same with a chat template."""
    return dataclasses.replace(small(), chat=ChatTemplate("<{{ messages[-1].content }}>", {}))


def tokenizer_of(model: dllm.Model) -> Tokenizer:
    """The model's tokenizer, which it has."""
    assert model.tokenizer is not None
    return model.tokenizer
