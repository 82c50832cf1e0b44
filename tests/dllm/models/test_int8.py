"""Weights in int8: each number is off by half a step of its row at most, and logits by little."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import dllm
from dllm.models.int8 import quantise
from tests.families.test_llada2 import TINY
from tests.parity.make import random_ids, write


def test_rows_have_a_scale_of_their_own() -> None:
    matrix = np.random.default_rng(0).standard_normal((3, 4, 8)).astype(np.float32)
    matrix *= np.array([1e-3, 1, 1e3, 0], np.float32)[None, :, None]
    values, scale = quantise(jnp.asarray(matrix))
    assert (values.dtype, values.shape, scale.shape) == (jnp.int8, (3, 4, 8), (3, 4))
    back = np.asarray(values, np.float32) * np.asarray(scale)[..., None]
    assert np.all(np.abs(back - matrix) <= 0.501 * np.abs(matrix).max(-1, keepdims=True) / 127)


def test_logits_stay_near(tmp_path: Path) -> None:
    folder = write(tmp_path, TINY["llada2"])
    plain, small = (dllm.load(folder, weights=kind).network for kind in (None, "int8"))
    held = [sum(leaf.nbytes for leaf in jax.tree.leaves(n.state["layers"])) for n in (plain, small)]
    assert held[1] < 0.45 * held[0]
    ids = jnp.asarray(random_ids(96, 95))
    run = jax.jit(lambda network: network.logits(ids, jnp.zeros(2, jnp.int32), ids.shape[1]))
    fine, coarse = (np.asarray(run(network)) for network in (plain, small))
    # A position that is sent to another expert may be far off; most are not.
    apart = np.abs(fine - coarse).max(axis=-1)
    assert 0 < np.median(apart) < 0.1 * np.std(fine)


def test_other_kinds_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="load: weights must be int8 or left out, got 'int4'"):
        dllm.load(tmp_path, weights="int4")
