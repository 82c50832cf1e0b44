"""Caches: what is kept, when it is made anew, and what must not depend on any of it."""

import jax
import numpy as np
import pytest

import dllm
from dllm.toy import random_chain
from tests.batches import LENGTH, assert_same_rows, exact_toy, mixed_rows
from tests.rules import RULES

TOY = exact_toy()
CACHES = ["prefix", "dual"]


def _row(ended: dllm.Decoded, row: int) -> dllm.Decoded:
    return jax.tree.map(lambda leaf: leaf[row : row + 1], ended)


@pytest.mark.parametrize(
    ("kind", "proposal"),
    [("prefix", dllm.Proposal(0.7)), ("dual", dllm.Proposal(guidance=0.5))],
)
def test_a_full_forward_a_step_is_no_cache(kind: str, proposal: dllm.Proposal) -> None:
    arguments = (TOY, mixed_rows(), RULES["threshold"], proposal)
    plain = dllm.decode(*arguments)
    cached = dllm.decode(*arguments, cache=dllm.Cache(kind, refresh=1))
    assert_same_rows(plain, cached)
    np.testing.assert_array_equal(plain.calls, cached.calls)


@pytest.mark.parametrize("kind", CACHES)
def test_one_full_forward_a_block(kind: str) -> None:
    rows = mixed_rows()
    ended = dllm.decode(TOY, rows, RULES["confidence"], cache=kind)
    blocks = np.sum(np.asarray(rows.blocks)[..., 1] > np.asarray(rows.blocks)[..., 0], axis=1)
    partly = dllm.Kind.SUFFIX if kind == "prefix" else dllm.Kind.BLOCK
    np.testing.assert_array_equal(ended.calls[:, dllm.Kind.FULL], blocks)
    np.testing.assert_array_equal(ended.calls[:, partly], ended.forwards - blocks)


@pytest.mark.parametrize(
    ("name", "cache"),
    [
        ("threshold", dllm.Cache("dual")),
        pytest.param("takes back", dllm.Cache("prefix", 3), marks=pytest.mark.slow),
        pytest.param("random", dllm.Cache("dual", 2), marks=pytest.mark.slow),
    ],
)
def test_drafts_keep_every_token(name: str, cache: dllm.Cache) -> None:
    for temperature in (0.0, 1.0):
        arguments = (TOY, mixed_rows(), RULES[name], dllm.Proposal(temperature))
        plain = dllm.decode(*arguments, cache=cache)
        drafted = dllm.decode(*arguments, cache=cache, num_drafts=4)
        assert_same_rows(plain, drafted)
        assert np.all(drafted.forwards <= plain.forwards)


def test_a_row_among_strangers() -> None:
    """Mates that come to their blocks at other times change nothing, nor does the bucket."""
    arguments = (RULES["threshold"], dllm.Proposal(0.7))
    mates = [4, 0, 6, 1, 7, 3, 5, 2]
    among = dllm.decode(TOY, mixed_rows(mates), *arguments, cache="dual")
    elsewhere = dllm.decode(TOY, mixed_rows(mates, LENGTH + 16), *arguments, cache="dual")
    assert_same_rows(among, elsewhere)
    for at, row in enumerate(mates):
        alone = dllm.decode(TOY, mixed_rows([row]), *arguments, cache="dual")
        assert_same_rows(alone, _row(among, at))
        assert int(alone.forwards[0]) == int(among.forwards[at])


def test_refilled_slots_and_the_loop_in_python() -> None:
    fixed = (TOY, mixed_rows(), RULES["threshold"], dllm.Proposal(guidance=0.5))
    together = dllm.decode(*fixed, cache="prefix")
    pooled = dllm.decode_many(*fixed, batch=3, refill=1, cache="prefix")
    assert_same_rows(together, pooled.decoded)
    np.testing.assert_array_equal(together.forwards, pooled.decoded.forwards)
    slowly = dllm.decode(*fixed, cache="prefix", while_loop=dllm.python_while_loop)
    assert_same_rows(together, slowly)


def test_a_rule_may_read_the_suffix_of_a_prefix_cache() -> None:
    rule = dllm.combine(reach="before")
    plain = dllm.decode(TOY, mixed_rows(), dllm.combine(), cache="prefix")
    assert_same_rows(plain, dllm.decode(TOY, mixed_rows(), rule, cache="prefix"))


@pytest.mark.parametrize(
    ("model", "rule", "cache", "message"),
    [
        (
            TOY,
            dllm.combine(),
            "both",
            "cache: must be one of none, prefix, dual, block_causal, got 'both'",
        ),
        (
            TOY,
            dllm.combine(),
            dllm.Cache("dual", 0),
            "cache: refresh must be at least 1 step, got 0",
        ),
        (
            TOY,
            dllm.combine(reach="before"),
            "dual",
            "cache 'dual' computes the block alone, but the scheduler reads beyond it",
        ),
        (
            random_chain(0),
            dllm.combine(),
            "prefix",
            "cache 'prefix' needs a model with methods remember and recall",
        ),
    ],
)
def test_refusals(model: object, rule: dllm.Scheduler, cache: object, message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        dllm.decode(model, mixed_rows(), rule, cache=cache)  # type: ignore[arg-type]
