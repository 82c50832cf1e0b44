"""What every family's test asserts: its checkpoint loads, and answers as NumPy does."""

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from safetensors.numpy import load_file

import dllm
from tests.parity.make import LENGTH, attention, random_ids, write
from tests.reference import families as reference

SHORT = 11
"""Positions of the second row."""


def assert_agrees(folder: Path, raw: dict[str, Any], causal_block: int | None = None) -> dllm.Model:
    """Logits of two rows, one of them padded, as the loop sees them."""
    model = dllm.load(write(folder, raw), causal_block=causal_block)
    tensors = load_file(folder / "model.safetensors")
    ids = random_ids(model.config.vocab, model.specials.mask)
    canvas = np.where(ids == model.specials.mask, dllm.MASK, ids)
    canvas[1, SHORT:] = dllm.VOID
    network, start = model.network, jnp.zeros(2, jnp.int32)
    found = jax.jit(lambda network, c: network.logits(c, start, LENGTH))(network, canvas)
    for row, length in ((0, LENGTH), (1, SHORT)):
        own = ids[row, :length]
        sees = attention(model.config, own == model.specials.mask)
        expected = reference.logits(tensors, raw, own, sees)
        if model.config.shifted:
            expected = np.concatenate([expected[:1], expected[:-1]])
        close = 1e-4 if model.config.tied else 2e-5
        np.testing.assert_allclose(found[row, :length], expected, rtol=0, atol=close)
    return model


def assert_same_over_a_cache(model: dllm.Model, block: int) -> None:
    """Kept keys and values of finished blocks change no token; prompts end within a block."""
    ids = random_ids(model.config.vocab, 0)
    prompts = [
        np.where(row == model.specials.mask, 1, row)[:end]
        for row, end in zip(ids, (6, 9), strict=True)
    ]
    rows = dllm.rows(prompts, 12, block, anchored=True)
    rule, proposal = dllm.rule("threshold", threshold=0.1), dllm.Proposal()
    plain, kept = (
        dllm.decode(model.network, rows, rule, proposal, cache=cache)
        for cache in ("none", "block_causal")
    )
    np.testing.assert_array_equal(plain.canvas, kept.canvas)
    assert np.all(np.asarray(kept.calls)[:, dllm.Kind.BLOCK] > 0)
