"""Drafting changes the number of forwards and never the tokens."""

import jax.numpy as jnp
import numpy as np
import pytest

import dllm
from dllm.toy import random_chain
from tests.batches import assert_same_rows, mixed_rows
from tests.rules import RULES

CHAIN = random_chain(0)


def _decode(name: str, temperature: float, num_drafts: int = 1) -> dllm.Decoded:
    arguments = (CHAIN, mixed_rows(), RULES[name], dllm.Proposal(temperature))
    return dllm.decode(*arguments, num_drafts=num_drafts)


EVERYWHERE = "takes back"
"""The rule that is tried at all numbers of drafts by default; each number is a program a rule."""
ALIKE = ("factor", "factor_published", "margin+llada", "left_to_right", "dream at random")
"""For drafts like `threshold`, `entropy+dream` or `origin`: what they remember, draw and plan."""
CASES = [
    pytest.param(name, n, marks=() if often else pytest.mark.slow)
    for name in RULES
    for n in (2, 4, 8)
    for often in [name == EVERYWHERE or (n == 4 and name not in ALIKE)]
]


@pytest.mark.parametrize(("name", "num_drafts"), CASES)
def test_drafts_keep_every_token(name: str, num_drafts: int) -> None:
    for temperature in (0.0, 1.0):
        plain = _decode(name, temperature)
        drafted = _decode(name, temperature, num_drafts)
        assert_same_rows(plain, drafted)
        assert np.all(drafted.forwards <= plain.forwards)
        np.testing.assert_array_equal(drafted.evaluations, num_drafts * drafted.forwards)


def test_drafts_save_forwards() -> None:
    plain = _decode("left_to_right", 0.0)
    drafted = _decode("left_to_right", 0.0, 4)
    assert int(jnp.sum(drafted.forwards)) < 0.8 * int(jnp.sum(plain.forwards))


def test_plain_decoding_takes_one_step_a_forward() -> None:
    plain = _decode("threshold", 0.0)
    np.testing.assert_array_equal(plain.forwards, plain.steps)
    np.testing.assert_array_equal(plain.forwards, plain.calls[:, dllm.Kind.FULL])
