"""The masked likelihood against its definition."""

import itertools
import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import dllm
from dllm.score import maskings
from tests.models import small, tokenizer_of

MODEL = small()
TOKENIZER = tokenizer_of(MODEL)


def _exact(prompt: list[int], answer: list[int]) -> float:
    """The expectation over all maskings: every number of hidden tokens is equally likely."""
    size = len(answer)
    total = 0.0
    for hidden in range(1, size + 1):
        values = []
        for places in itertools.combinations(range(size), hidden):
            canvas = np.array([[*prompt, *answer]], np.int32)
            at = len(prompt) + np.array(places)
            canvas[0, at] = dllm.MASK
            logits = MODEL.network.logits(jnp.asarray(canvas), jnp.zeros(1, jnp.int32), canvas.size)
            found = jax.nn.log_softmax(logits[0], axis=-1)[at, np.array(answer)[list(places)]]
            values.append(float(jnp.sum(found)) * size / hidden)
        total += float(np.mean(values)) / size
    return total


def test_is_the_mean_over_all_maskings() -> None:
    prompt, answer = TOKENIZER.encode("ab"), TOKENIZER.encode("xyz")
    found = dllm.score(MODEL, "ab", "xyz", samples=960, batch=48)
    assert found == pytest.approx(_exact(prompt, answer), abs=0.05)
    assert dllm.score(MODEL, prompt, answer, samples=960, batch=48) == found


def test_one_token_is_exact() -> None:
    one = dllm.score(MODEL, "ab", "x", samples=1)
    many = dllm.score(MODEL, "ab", "x", samples=9, batch=4)
    assert one == pytest.approx(many, abs=1e-5)
    assert one == pytest.approx(_exact(TOKENIZER.encode("ab"), [87]), abs=1e-4)


def test_many_pairs() -> None:
    both = dllm.score(MODEL, ["ab", "c"], ["x", "yz"], samples=8)
    assert len(both) == 2
    assert all(value < 0 for value in both)


@pytest.mark.parametrize("batch", [1, 4, 7])
def test_numbers_of_hidden_tokens_are_spread(batch: int) -> None:
    bounds = jnp.asarray([3, 11])
    keys = jax.random.split(jax.random.key(0), 200)
    hidden = np.asarray(jax.vmap(lambda key: maskings(key, 16, bounds, batch))(keys))
    assert not hidden[..., :3].any()
    assert not hidden[..., 11:].any()
    counts = hidden.sum(axis=-1)
    assert (counts.min(), counts.max()) == (1, 8)
    assert all(len(set(row)) == min(batch, 8) for row in counts.tolist())
    places = hidden[..., 3:11].mean(axis=(0, 1))
    np.testing.assert_allclose(places, 4.5 / 8, atol=4 / math.sqrt(200))


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (("a", ""), {}, "score: answer 0 must hold at least one token, got none"),
        ((["a"], ["b", "c"]), {}, "needs an answer a prompt, got 1 prompts and 2 answers"),
        (("a", "b"), {"samples": 0}, "score: samples must be at least 1, got 0"),
        (("a", "b"), {"batch": 0}, "score: batch must be at least 1, got 0"),
        (("a" * 100, "b" * 100), {}, "prompt 0: 100 tokens and gen_length 100 must fit"),
    ],
)
def test_refuses(arguments: Any, options: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        dllm.score(MODEL, *arguments, **options)
