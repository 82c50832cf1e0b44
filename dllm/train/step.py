"""One training step: a compiled program per shape, over all local devices."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jaxtyping import Array, Float, Int

from dllm.load import DTYPES
from dllm.models.network import Network
from dllm.train.objective import Corrupted, Guess, corrupt, guess
from dllm.train.optimizer import average, optimizer, schedule
from dllm.train.settings import OptimizerSettings, RunSettings, Settings

FINE = -1
"""`State.failed` while all is well."""


class State(NamedTuple):
    """All that a run carries from step to step."""

    step: Int[Array, ""]
    """Steps done."""
    params: Any
    """What is trained: float32."""
    optimizer: Any
    ema: Any
    """The average of `params`, if there is one."""
    failed: Int[Array, ""]
    """The first step whose loss or gradient was not finite; from there on nothing moves."""


class Metrics(NamedTuple):
    """What a step says of itself; arrays, so that nobody waits for them."""

    loss: Float[Array, ""]
    accuracy: Float[Array, ""]
    grad_norm: Float[Array, ""]
    learning_rate: Float[Array, ""]
    failed: Int[Array, ""]


Step = Callable[..., tuple[State, Metrics]]


class Devices(NamedTuple):
    """Where things live."""

    everywhere: NamedSharding
    """Parameters, on every local device."""
    rows: NamedSharding
    """A batch, its rows spread over them."""


def local_devices(settings: Settings) -> Devices:
    """All devices of this machine.

    Raises:
        ValueError: a piece of a batch cannot be spread over them evenly.
    """
    devices = jax.local_devices()
    for shape in settings.shapes:
        piece = shape.batch // settings.run.accumulate
        if piece % len(devices):
            raise ValueError(
                f"shapes.batch over run.accumulate must divide by the {len(devices)} local "
                f"devices, got {piece}"
            )
    mesh = Mesh(np.asarray(devices), ("data",))
    return Devices(NamedSharding(mesh, PartitionSpec()), NamedSharding(mesh, PartitionSpec("data")))


def begin(settings: Settings, network: Network, devices: Devices) -> State:
    """The state before the first step; the network's own arrays are left alone."""

    def make(params: nnx.State) -> State:
        params = jax.tree.map(lambda leaf: leaf.astype(jnp.float32), params)
        moments = optimizer(settings.optimizer).init(params)
        ema = jax.tree.map(jnp.copy, params) if settings.optimizer.ema else None
        return State(jnp.int32(0), params, moments, ema, jnp.int32(FINE))

    return leniently(jax.jit(make, out_shardings=devices.everywhere), network.state)


def shapes_of(settings: Settings, network: Network, devices: Devices) -> State:
    """The state's shapes and places."""
    shapes = jax.eval_shape(lambda: begin(settings, network, devices))
    return jax.tree.map(
        lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=devices.everywhere),
        shapes,
    )


def make_step(settings: Settings, network: Network, devices: Devices) -> Step:
    """The jitted step `(state, canvas, start, answer) -> (state, metrics)`; it takes the state."""
    # The parameters come with the state: closed over, they would be held twice.
    run = settings.run
    run = RunSettings(seed=run.seed, dtype=run.dtype, accumulate=run.accumulate)
    same = Settings(settings.shapes, settings.optimizer, settings.objective, run)
    return _program(same, network.mask, network.graph, devices)


@lru_cache(maxsize=8)
def _program(settings: Settings, mask: int, graph: Any, devices: Devices) -> Step:
    """Kept, so that equal runs in one process compile once."""

    def step(
        state: State,
        canvas: Int[Array, "rows positions"],
        start: Int[Array, " rows"],
        answer: int,
    ) -> tuple[State, Metrics]:
        key = jax.random.key(settings.run.seed, impl="threefry2x32")
        key = jax.random.fold_in(key, state.step)
        corrupted = corrupt(key, canvas, start, answer, settings.objective)

        def loss(params: nnx.State, item: Corrupted) -> tuple[Array, Guess]:
            guessed = guess(Network(cast(params, settings.run.dtype), mask, graph), item)
            return guessed.loss, guessed

        gradient, guessed = _accumulated(loss, state.params, corrupted, settings.run.accumulate)
        state, moved = advance(settings.optimizer, state, gradient, guessed.loss)
        return state, Metrics(guessed.loss, guessed.correct / guessed.masked, *moved)

    compiled = jax.jit(
        step,
        static_argnums=3,
        donate_argnums=0,
        in_shardings=(devices.everywhere, devices.rows, devices.rows),
        out_shardings=devices.everywhere,
    )
    return lambda *args: leniently(compiled, *args)


def leniently(function: Callable[..., Any], *args: Any) -> Any:
    """Calls it as jax does by default.

    Optax, and the backward pass of jax's own attention, mix dtypes and ranks.
    """
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        return function(*args)


def _accumulated(
    loss: Callable[..., tuple[Array, Guess]], params: nnx.State, item: Corrupted, pieces: int
) -> tuple[nnx.State, Guess]:
    """Gradient and sums of a batch, worked through in pieces."""
    gradient = jax.grad(loss, has_aux=True)
    if pieces == 1:
        return gradient(params, item)

    def cut(leaf: Array) -> Array:  # every so-many-th row: each device keeps to its own
        return leaf.reshape(-1, pieces, *leaf.shape[1:]).swapaxes(0, 1)

    def add(so_far: tuple, piece: Corrupted) -> tuple[tuple, None]:
        return jax.tree.map(jnp.add, so_far, gradient(params, piece)), None

    parts = jax.tree.map(cut, item)
    shapes = jax.eval_shape(gradient, params, jax.tree.map(lambda leaf: leaf[0], parts))
    zero = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes)
    return jax.lax.scan(add, zero, parts)[0]


class Moved(NamedTuple):
    """What the optimizer says of an update."""

    grad_norm: Float[Array, ""]
    learning_rate: Float[Array, ""]
    failed: Int[Array, ""]


def advance(
    settings: OptimizerSettings, state: State, gradient: Any, loss: Float[Array, ""]
) -> tuple[State, Moved]:
    """The state after an update; nothing moves once a loss or gradient was not finite."""
    norm = jnp.sqrt(sum(jnp.sum(jnp.square(leaf)) for leaf in jax.tree.leaves(gradient)))
    fine = jnp.isfinite(loss) & jnp.isfinite(norm)
    failed = jnp.where((state.failed == FINE) & ~fine, state.step, state.failed)
    moved = _moved(settings, state, gradient)
    kept = jax.tree.map(lambda new, old: jnp.where(failed == FINE, new, old), moved, state)
    rate = jnp.asarray(schedule(settings)(state.step))
    return kept._replace(failed=failed), Moved(norm, rate, failed)


def _moved(settings: OptimizerSettings, state: State, gradient: Any) -> State:
    """The state after a step whose gradient is fine."""
    chain = optimizer(settings)
    updates, moments = chain.update(gradient, state.optimizer, state.params)
    params: Any = optax.apply_updates(state.params, updates)
    ema = state.ema
    if ema is not None:
        ema = average(settings, state.step, params, ema)
    return State(state.step + 1, params, moments, ema, state.failed)


def cast(params: nnx.State, dtype: str) -> nnx.State:
    """Parameters in the dtype of a forward pass."""
    return jax.tree.map(lambda leaf: leaf.astype(DTYPES[dtype]), params)
