"""Texts of a regular language drawn as a whole: the distribution is the conditioned one."""

from collections import Counter
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dllm.regular import chain, draw
from grammar import MASK, Compiled, Vocabulary, compile_grammar, regex
from tests.grammar.languages import json_texts
from tests.reference import grammar as reference
from tests.reference.regular import posterior

TOKENS: list[bytes | None] = [b"a", b"b", b"ab", None, None]
STOP = 3
PATTERN = "(ab|b)*a?"
LENGTH = 4


def language(must_stop: bool = False) -> Compiled:
    return compile_grammar(regex(PATTERN), Vocabulary(TOKENS, frozenset({STOP})), must_stop)


def logits(seed: int, length: int = LENGTH) -> np.ndarray:
    return 1.5 * np.random.default_rng(seed).normal(size=(length, len(TOKENS)))


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits)
    return powers / powers.sum(axis=-1, keepdims=True)


def enumerated(
    canvas: list[int], must_stop: bool, probs: np.ndarray
) -> dict[tuple[int, ...], float]:
    """The probability of every valid filling; what stands behind a stop is not scored."""
    found = reference.fillings(regex(PATTERN), TOKENS, frozenset({STOP}), canvas, must_stop)
    weights = {}
    for filled in found:
        end = filled.index(STOP) + 1 if STOP in filled else len(filled)
        scored = [i for i in range(end) if canvas[i] == MASK]
        weights[filled] = float(np.prod([probs[i, filled[i]] for i in scored]))
    return weights


CANVASES = [[MASK] * 4, [MASK, 1, MASK, MASK], [MASK, MASK, MASK, STOP], [0, MASK, STOP, MASK]]


@pytest.mark.parametrize("must_stop", [False, True])
@pytest.mark.parametrize("canvas", CANVASES)
def test_the_twin_is_enumeration(canvas: list[int], must_stop: bool) -> None:
    probs = softmax(logits(0))
    weights = enumerated(canvas, must_stop, probs)
    told = posterior(language(must_stop), probs, canvas)
    assert told.mass == pytest.approx(sum(weights.values()), rel=1e-12)
    assert told.best == pytest.approx(max(weights.values()), rel=1e-12)


@pytest.mark.parametrize("canvas", CANVASES)
def test_draws_are_the_conditioned_distribution(canvas: list[int]) -> None:
    """Every filling by its probability (Pearson's test), the likeliest one, and the mass."""
    given, said = jnp.asarray(canvas, jnp.int32), jnp.asarray(logits(0), jnp.float32)
    weights = enumerated(canvas, False, softmax(logits(0)))
    total, number = sum(weights.values()), 4000
    model = chain(language())
    paths = jax.vmap(lambda key: draw(model, key, said, given))(
        jax.random.split(jax.random.key(1), number)
    )
    np.testing.assert_allclose(paths.log_mass, np.log(total), rtol=1e-5, atol=1e-5)
    counts = Counter(map(tuple, np.asarray(paths.tokens).tolist()))
    assert set(counts) <= set(weights)
    expected = {filled: number * weight / total for filled, weight in weights.items()}
    distance = sum((counts[filled] - many) ** 2 / many for filled, many in expected.items())
    freedom = len(weights) - 1
    assert distance <= freedom + 4 * np.sqrt(2 * freedom)
    best = draw(model, jax.random.key(0), said, given, likeliest=True)
    assert weights[tuple(best.tokens.tolist())] == max(weights.values())
    np.testing.assert_allclose(best.log_mass, np.log(max(weights.values())), rtol=1e-5, atol=1e-5)


def test_mass_and_marginals_of_a_longer_canvas() -> None:
    canvas = [MASK] * 5 + [1] + [MASK] * 8
    said = logits(2, len(canvas))
    told = posterior(language(), softmax(said), canvas)
    given, model = jnp.asarray(canvas, jnp.int32), chain(language())
    paths = jax.vmap(lambda key: draw(model, key, jnp.asarray(said, jnp.float32), given))(
        jax.random.split(jax.random.key(3), 4000)
    )
    np.testing.assert_allclose(paths.log_mass, np.log(told.mass), rtol=1e-5)
    tokens = np.asarray(paths.tokens)
    stopped = np.cumsum(tokens == STOP, axis=1) - (tokens == STOP) > 0
    for token in range(STOP + 1):
        seen = np.mean((tokens == token) & ~stopped, axis=0)
        np.testing.assert_allclose(seen, told.marginals[:, token], atol=0.04)


def test_small_masses_are_not_lost() -> None:
    """What the model holds for impossible is drawn where nothing else is a text."""
    forced = compile_grammar(regex("b{4}"), Vocabulary(TOKENS, frozenset({STOP})))
    said = jnp.asarray(logits(0), jnp.float32).at[:, 1].add(-300.0)
    path = draw(chain(forced), jax.random.key(0), said, jnp.full(LENGTH, MASK, jnp.int32))
    assert path.tokens.tolist() == [1] * LENGTH
    assert -1300 < path.log_mass < -1100


def test_without_a_filling() -> None:
    canvas = jnp.asarray([0, 0, MASK, MASK], jnp.int32)
    path = draw(chain(language()), jax.random.key(0), jnp.asarray(logits(0), jnp.float32), canvas)
    assert path.log_mass == -jnp.inf
    assert path.tokens.tolist() == canvas.tolist()


def programs() -> int:
    compiled: Any = draw
    return compiled._cache_size()


def test_one_program_for_languages_of_similar_size() -> None:
    key, said = jax.random.key(0), jnp.asarray(logits(0), jnp.float32)
    canvas = jnp.full(LENGTH, MASK, jnp.int32)
    before = programs()
    for pattern in ("(ab|b)*a?", "(ba|b)*b?"):
        made = compile_grammar(regex(pattern), Vocabulary(TOKENS, frozenset({STOP})))
        draw(chain(made), key, said, canvas)
    assert programs() <= before + 1


def test_refusal() -> None:
    nested = compile_grammar(json_texts(), Vocabulary([b"[", b"]", b"1"]))
    with pytest.raises(ValueError, match=r"^a path must be drawn from a regular language, got one"):
        chain(nested)
