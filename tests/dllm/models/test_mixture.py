"""Both ways to run chosen experts: the same numbers and the same gradients."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dllm.models import mixture

EXPERTS, WIDTH, HIDDEN = 5, 6, 4
SIZES = (9, 0, 1, 11, 0)
"""Rows of each expert; the last tile of one reaches into the next one's rows."""
BEHIND = 3
"""Rows of no expert."""


def test_gradients_by_tiles_equal_those_of_the_ragged_product() -> None:
    random = np.random.default_rng(0)
    shapes = [(sum(SIZES) + BEHIND, WIDTH), *[(EXPERTS, HIDDEN, WIDTH)] * 2]
    shapes.append((EXPERTS, WIDTH, HIDDEN))
    rows, *matrices = (jnp.asarray(random.standard_normal(s, np.float32)) for s in shapes)
    wanted = jnp.asarray(random.standard_normal(rows.shape, np.float32)).at[sum(SIZES) :].set(0)
    sizes = jnp.asarray(SIZES, jnp.int32)

    def told(way: Callable[..., jax.Array]) -> list[jax.Array]:
        def weighed(rows: jax.Array, *matrices: jax.Array) -> jax.Array:
            return jnp.sum(way(rows, sizes, mixture.Matrices(*matrices)) * wanted)

        grads = jax.jit(jax.value_and_grad(weighed, argnums=(0, 1, 2, 3)))(rows, *matrices)
        return jax.tree.leaves(grads)

    assert mixture._tile(rows.shape[0], EXPERTS) == 8
    by_tiles, ragged = told(mixture._by_tiles), told(mixture._by_ragged_dot)
    for own, other in zip(by_tiles, ragged, strict=True):
        np.testing.assert_allclose(own, other, rtol=0, atol=1e-4)
    assert not np.any(by_tiles[1][sum(SIZES) :])


def test_a_mixture_can_be_trained() -> None:
    """Through the choice of the platform too."""
    random = np.random.default_rng(1)
    shapes = [(2, 3, WIDTH), *[(EXPERTS, HIDDEN, WIDTH)] * 2, (EXPERTS, WIDTH, HIDDEN)]
    x, *matrices = (jnp.asarray(random.standard_normal(s, np.float32)) for s in shapes)
    chosen = jnp.asarray(random.integers(0, EXPERTS, (2, 3, 2)), jnp.int32)
    weights = jnp.asarray(random.random((2, 3, 2)), jnp.float32)

    def energy(x: jax.Array, weights: jax.Array, *matrices: jax.Array) -> jax.Array:
        return jnp.sum(mixture.mixed(x, chosen, weights, mixture.Matrices(*matrices)) ** 2)

    arguments = (x, weights, *matrices)
    slopes = jax.jit(jax.grad(energy, argnums=tuple(range(5))))(*arguments)
    step = [1e-3 * jnp.asarray(random.standard_normal(a.shape, np.float32)) for a in arguments]
    ahead, behind = (
        energy(*(a + sign * s for a, s in zip(arguments, step, strict=True))) for sign in (1, -1)
    )
    rise = sum(jnp.vdot(g, s) for g, s in zip(slopes, step, strict=True))
    assert float(rise) == pytest.approx(float(ahead - behind) / 2, rel=2e-2)
