"""Inner updates: one compiled program, whose memory does not grow with a rollout's transitions."""

from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Bool, Float

from dllm.models.network import Network
from dllm.rl.items import Items
from dllm.rl.lora import first_adapters, merged
from dllm.rl.objective import Coefficients, Measured, log_probs, measure
from dllm.rl.settings import LoraSettings, ObjectiveSettings, Settings
from dllm.train.optimizer import optimizer
from dllm.train.settings import OptimizerSettings
from dllm.train.step import FINE, State, advance, cast, leniently


class Metrics(NamedTuple):
    """What an update says of itself; arrays, so that nobody waits for them."""

    measured: Measured
    grad_norm: Float[Array, ""]
    learning_rate: Float[Array, ""]
    failed: Array
    """The first update whose loss or gradient was not finite, or `FINE`."""


class Programs(NamedTuple):
    """What a run compiles; to be called `leniently`."""

    network: Any
    """(parameters, starting weights) -> the policy as it decodes and learns."""
    reference: Any
    """(starting weights, items) -> log-probabilities of the starting model."""
    update: Any
    """(state, starting weights, items, old, reference, first, coefficients) -> the state after one
    update, its `Metrics`, and the log-probabilities before it, `[pieces, items, window]`. It takes
    the state. In the `first` these are the old ones, and `old` is not looked at. Where there is no
    reference, the old policy stands in for it."""


def begin(settings: Settings, network: Network) -> State:
    """The state before the first update; the network's own arrays are left alone."""
    if settings.lora is None:
        params: Any = jax.tree.map(lambda leaf: jnp.array(leaf, jnp.float32), network.state)
    else:
        params = first_adapters(network.state, settings.lora, settings.run.seed)
    moments = leniently(jax.jit(optimizer(settings.optimizer).init), params)
    ema = jax.tree.map(jnp.copy, params) if settings.optimizer.ema else None
    state = State(jnp.int32(0), params, moments, ema, jnp.int32(FINE))
    # Bound to a device as the weights are, or the first update would be compiled twice.
    return jax.device_put(state, jax.tree.leaves(network.state)[0].sharding)


def make_programs(settings: Settings, network: Network) -> Programs:
    """The programs of a run."""
    return _programs(
        settings.optimizer,
        settings.lora,
        settings.run.dtype,
        settings.rollout.temperature,
        network.mask,
        network.graph,
    )


@lru_cache(maxsize=8)
def _programs(
    chosen: OptimizerSettings,
    lora: LoraSettings | None,
    dtype: str,
    temperature: float,
    mask: int,
    graph: Any,
) -> Programs:
    """Kept, so that equal runs in one process compile once."""

    def network(params: Any, base: nnx.State) -> Network:
        return Network(cast(whole(lora, params, base), dtype), mask, graph)

    def asked(network: Network, item: Any) -> Array:  # items, traced
        return log_probs(network, item.canvas, item.start, item.targets, temperature, (mask,))

    def reference(base: nnx.State, items: Items) -> Array:
        first = Network(cast(base, dtype), mask, graph)
        return jax.lax.map(partial(asked, first), items)

    def update(
        state: State,
        base: nnx.State,
        items: Items,
        old: Array,
        reference: Array | None,
        first: Bool[Array, ""],
        coefficients: Coefficients,
    ) -> tuple[State, Metrics, Array]:
        def loss(params: Any, piece: tuple[Any, Array, Array | None]) -> tuple[Array, Any]:
            item, old, reference = piece
            new = asked(network(params, base), item)
            old = jnp.where(first, jax.lax.stop_gradient(new), old)
            reference = old if reference is None else reference
            told = (item.advantage, item.counts, coefficients)
            measured = measure(new, old, reference, *told)
            return measured.loss, (measured, new)

        gradient, measured, new = _accumulated(loss, state.params, (items, old, reference))
        state, moved = advance(chosen, state, gradient, measured.loss)
        return state, Metrics(measured, *moved), new

    return Programs(jax.jit(network), jax.jit(reference), jax.jit(update, donate_argnums=0))


def learn(
    programs: Programs, settings: ObjectiveSettings, state: State, base: nnx.State, items: Items
) -> tuple[State, list[Metrics]]:
    """All inner updates on the items of a rollout. Takes the state."""
    told = Coefficients(jnp.float32(settings.epsilon), jnp.float32(settings.beta))
    items = jax.tree.map(jnp.asarray, items)  # sent once, not for every update
    reference = leniently(programs.reference, base, items) if settings.beta else None
    old = jnp.zeros(items.targets.shape, jnp.float32)
    found = []
    for number in range(settings.updates):
        first = number == 0
        asked = (base, items, old, reference, jnp.bool_(first), told)
        state, metrics, now = leniently(programs.update, state, *asked)
        old = now if first else old
        found.append(metrics)
    return state, found


def whole(lora: LoraSettings | None, params: Any, base: nnx.State) -> nnx.State:
    """All weights: what is trained, or the starting ones with the adapters that are."""
    return params if lora is None else merged(base, params, lora.scale)


def _accumulated(
    loss: Callable[..., tuple[Array, Any]], params: Any, pieces: Any
) -> tuple[Any, Measured, Array]:
    """Gradient and sums of all pieces, and what was said of each."""
    gradient = jax.grad(loss, has_aux=True)

    def add(so_far: tuple[Any, Measured], piece: Any) -> tuple[tuple[Any, Measured], Array]:
        grown, (measured, new) = gradient(params, piece)
        return jax.tree.map(jnp.add, so_far, (grown, measured)), new

    shapes = jax.eval_shape(gradient, params, jax.tree.map(lambda leaf: leaf[0], pieces))
    zero = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), (shapes[0], shapes[1][0]))
    (grown, measured), new = jax.lax.scan(add, zero, pieces)
    return grown, measured, new
