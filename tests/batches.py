"""Batches of rows for tests of the loop, and how two runs of them are compared."""

from typing import Any

import jax
import numpy as np

import dllm
from tests.toys import MASK_ID, Tanh, random_params

LENGTH = 40
PROMPTS = [[1, 2, 3], [4], [5, 6, 7, 8, 9], [3, 1], [2, 2], [9, 8, 7], [6], [1, 5, 9, 13]]
ANSWERS = [24, 16, 8, 32, 24, 16, 32, 24]
SEEDS = [11, 22, 33, 44, 55, 66, 77, 88]


def mixed_rows(chosen: Any = range(8), length: int = LENGTH) -> dllm.Rows:
    """Some of eight rows with different prompts, answers and seeds, in blocks of 8."""
    prompts, answers, seeds = ([listed[i] for i in chosen] for listed in (PROMPTS, ANSWERS, SEEDS))
    return dllm.rows(prompts, answers, 8, seed=seeds, length=length)


def exact_toy(seed: int = 0) -> Tanh:
    """A toy whose sums are exact in float32, so that no batch shape can round them differently.

    Parameters are multiples of 2^-6 and activations of 2^-8: a product has 14 bits behind the
    point, and a sum of a few dozen fits in the 24 bits of a float32.
    """
    params = {name: np.round(value * 64) / 64 for name, value in random_params(seed).items()}
    bias = np.maximum(params.pop("bias"), -1e4)
    bias[:, MASK_ID] = -1e4
    return Tanh(params, np.float32(4.0), bias.astype(np.float32), quantised=True)


def assert_same_rows(expected: dllm.Decoded, got: dllm.Decoded, length: int = LENGTH) -> None:
    """Same tokens, steps and outcomes."""
    expected, got = jax.device_get((expected, got))
    np.testing.assert_array_equal(got.canvas[:, :length], expected.canvas[:, :length])
    np.testing.assert_array_equal(got.steps, expected.steps)
    np.testing.assert_array_equal(got.outcome, expected.outcome)
