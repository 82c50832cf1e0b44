"""A loaded model for tests of the text functions: random weights, a byte tokenizer."""

import dataclasses
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import jax.numpy as jnp

import dllm
from dllm.chat import ChatTemplate
from dllm.models.network import Network, abstract
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


def causal(block: int) -> dllm.Model:
    """The same with block-causal attention."""
    model = small()
    config = dataclasses.replace(model.config, causal_block=block)
    graph, _ = abstract(config, jnp.float32)
    network = Network(model.network.state, model.specials.mask, graph)
    return dataclasses.replace(model, config=config, network=network)


def tokenizer_of(model: dllm.Model) -> Tokenizer:
    """The model's tokenizer, which it has."""
    assert model.tokenizer is not None
    return model.tokenizer
