"""A mixture of experts that runs the chosen ones alone; the router works in float32.

Positions are sorted by expert, so that each expert's are a run of rows; every expert multiplies its
own run. On TPUs and GPUs that is `lax.ragged_dot`. Its fallback on CPUs multiplies every row with
every expert; there a loop goes over the experts that have rows, and over these tile by tile.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx
from jax.sharding import Mesh, PartitionSpec
from jaxtyping import Array, DTypeLike, Float, Int

from dllm.models.config import Config, Experts
from dllm.models.mlp import MLP, gated
from dllm.sharding.rules import ROWS, RULES, spec

_LEAST_TILE, _MOST_TILE = 8, 256

_OfTile = Callable[[Int[Array, ""], Any], Any]
"""Given where a tile begins and what is made so far, what is made then."""


class Matrices(NamedTuple):
    """Those of every expert's MLP that is here."""

    gate: Float[Array, "experts hidden width"]
    up: Float[Array, "experts hidden width"]
    down: Float[Array, "experts width hidden"]

    def of(self, expert: Int[Array, ""]) -> tuple[Array, Array, Array]:
        """One expert's."""
        return self.gate[expert], self.up[expert], self.down[expert]


class Router(nnx.Module):
    """Scores of all experts. The bias is kept in float32 whatever the weights are."""

    def __init__(self, config: Config, experts: Experts, dtype: DTypeLike) -> None:
        self.weight = nnx.Param(jnp.zeros((experts.number, config.width), dtype))
        biased = experts.bias is not None
        self.bias = nnx.Param(jnp.zeros((experts.number,), jnp.float32)) if biased else None

    def __call__(self, x: Float[Array, "positions width"]) -> Float[Array, "positions experts"]:
        weight = self.weight[...].astype(jnp.float32)
        return jnp.einsum("nw,ew->ne", x.astype(jnp.float32), weight, precision="highest")


class Mixture(nnx.Module):
    """The MLPs of those experts that a router chooses for each position, weighed and added up."""

    def __init__(self, config: Config, experts: Experts, dtype: DTypeLike) -> None:
        self.experts = experts
        self.router = Router(config, experts, dtype)
        into = (experts.number, experts.hidden, config.width)
        self.gate, self.up = (nnx.Param(jnp.zeros(into, dtype)) for _ in range(2))
        self.down = nnx.Param(jnp.zeros((experts.number, config.width, experts.hidden), dtype))
        self.shared = MLP(config.width, experts.shared, dtype) if experts.shared else None

    def __call__(
        self, x: Float[Array, "rows computed width"], mesh: Mesh | None
    ) -> Float[Array, "rows computed width"]:
        flat = x.reshape(-1, x.shape[-1])
        bias = None if self.router.bias is None else self.router.bias[...]
        chosen, weights = choose(self.experts, self.router(flat), bias)
        asked = (*x.shape[:2], self.experts.chosen)
        matrices = Matrices(self.gate[...], self.up[...], self.down[...])
        routed = (x, chosen.reshape(asked), weights.reshape(asked), matrices)
        total = mixed(*routed) if mesh is None else cut(mesh, *routed)
        made = total.astype(x.dtype)
        return made if self.shared is None else made + self.shared(x)


def choose(
    experts: Experts,
    logits: Float[Array, "positions experts"],
    bias: Float[Array, " experts"] | None,
) -> tuple[Int[Array, "positions chosen"], Float[Array, "positions chosen"]]:
    """The experts of each position, and how much each counts."""
    soft = experts.score == "softmax"
    scores = jax.nn.softmax(logits, axis=-1) if soft else jax.nn.sigmoid(logits)
    compared = scores if bias is None else scores + bias[None]
    weighing = compared if experts.bias == "weight" else scores
    _, chosen = jax.lax.top_k(_within_groups(experts, compared), experts.chosen)
    weights = jnp.take_along_axis(weighing, chosen, axis=-1)
    if experts.normalised:
        weights = weights / (jnp.sum(weights, axis=-1, keepdims=True) + 1e-20)
    return chosen, weights * experts.scale


def _within_groups(
    experts: Experts, scores: Float[Array, "positions experts"]
) -> Float[Array, "positions experts"]:
    """-inf where an expert's group is not among the best."""
    if experts.groups == 1:
        return scores
    grouped = scores.reshape(scores.shape[0], experts.groups, -1)
    worth = jnp.sum(jax.lax.top_k(grouped, 2)[0], axis=-1)
    _, kept = jax.lax.top_k(worth, experts.kept_groups)
    among = jnp.any(kept[:, :, None] == jnp.arange(experts.groups)[None, None], axis=1)
    return jnp.where(among[:, :, None], grouped, -jnp.inf).reshape(scores.shape)


def mixed(
    x: Float[Array, "rows computed width"],
    chosen: Int[Array, "rows computed chosen"],
    weights: Float[Array, "rows computed chosen"],
    matrices: Matrices,
    first: Int[Array, ""] | int = 0,
) -> Float[Array, "rows computed width"]:
    """The weighed sum over those chosen experts that are here: `first` is the first one's number.

    In float32, because it may be one of several parts.
    """
    flat, each = x.reshape(-1, x.shape[-1]), chosen.shape[-1]
    number = matrices.gate.shape[0]
    own = chosen.reshape(-1) - first
    own = jnp.where((own >= 0) & (own < number), own, number)  # those elsewhere come last
    order = jnp.argsort(own)
    sizes = jnp.sum(own[None] == jnp.arange(number)[:, None], axis=1, dtype=jnp.int32)
    rows = flat[order // each]
    made = jax.lax.platform_dependent(rows, sizes, matrices, cpu=_by_tiles, default=_by_ragged_dot)
    back = made[jnp.argsort(order)].astype(jnp.float32).reshape(-1, each, x.shape[-1])
    here = (own < number).reshape(-1, each)
    counted = jnp.where(here[..., None], back, 0)
    total = jnp.einsum("nkw,nk->nw", counted, weights.reshape(-1, each), precision="highest")
    return total.reshape(x.shape)


def cut(
    mesh: Mesh,
    x: Float[Array, "rows computed width"],
    chosen: Int[Array, "rows computed chosen"],
    weights: Float[Array, "rows computed chosen"],
    matrices: Matrices,
) -> Float[Array, "rows computed width"]:
    """As `mixed`, with rows and experts cut over a mesh: each device runs the experts it has.

    Positions do not move: every device of a row has all of them. What is exchanged is the sum.
    """
    rows, own = spec(mesh, ROWS, x.shape[:1]), spec(mesh, ("experts",), matrices.gate.shape[:1])
    axis = RULES["experts"]
    spread = own != PartitionSpec(None)

    def on_device(x: Array, chosen: Array, weights: Array, matrices: Matrices) -> Array:
        if not spread:
            return mixed(x, chosen, weights, matrices)
        first = jax.lax.axis_index(axis) * matrices.gate.shape[0]
        return jax.lax.psum(mixed(x, chosen, weights, matrices, first), axis)

    shared = jax.shard_map(
        on_device,
        mesh=mesh,
        in_specs=(rows, rows, rows, own),
        out_specs=rows,
        check_vma=False,
    )
    return shared(x, chosen, weights, matrices)


def _by_ragged_dot(
    rows: Float[Array, "rows width"],
    sizes: Int[Array, " experts"],
    matrices: Matrices,
) -> Float[Array, "rows width"]:
    """Runs of rows times their experts; rows behind all runs are anything."""
    numbers = jax.lax.RaggedDotDimensionNumbers(
        dot_dimension_numbers=(((1,), (2,)), ((), ())),
        lhs_ragged_dimensions=[0],
        rhs_group_dimensions=[0],
    )
    times = partial(jax.lax.ragged_dot_general, ragged_dot_dimension_numbers=numbers)
    inner = jax.nn.silu(times(rows, matrices.gate, sizes)) * times(rows, matrices.up, sizes)
    return times(inner, matrices.down, sizes)


@jax.custom_vjp
def _by_tiles(
    rows: Float[Array, "rows width"],
    sizes: Int[Array, " experts"],
    matrices: Matrices,
) -> Float[Array, "rows width"]:
    """The same in a loop, a tile of rows at a time.

    A tile that reaches into the next expert's rows writes nonsense there, which that expert
    overwrites: experts come in order.
    """
    tile = _tile(rows.shape[0], sizes.shape[0])
    padded = jnp.pad(rows, ((0, tile), (0, 0)))

    def of_expert(expert: Int[Array, ""]) -> _OfTile:
        own = matrices.of(expert)

        def of_tile(at: Int[Array, ""], made: Array) -> Array:
            part = jax.lax.dynamic_slice_in_dim(padded, at, tile)
            return jax.lax.dynamic_update_slice_in_dim(made, gated(part, *own), at, 0)

        return of_tile

    return _over_tiles(sizes, tile, of_expert, jnp.zeros_like(padded))[: rows.shape[0]]


def _with_arguments(
    rows: Float[Array, "rows width"], sizes: Int[Array, " experts"], matrices: Matrices
) -> tuple[Float[Array, "rows width"], tuple[Array, Array, Matrices]]:
    return _by_tiles(rows, sizes, matrices), (rows, sizes, matrices)


def _gradients(
    arguments: tuple[Array, Array, Matrices], change: Float[Array, "rows width"]
) -> tuple[Float[Array, "rows width"], None, Matrices]:
    """Of rows and matrices, in the same loop: jax turns none around that may end at any turn."""
    rows, sizes, matrices = arguments
    tile = _tile(rows.shape[0], sizes.shape[0])
    padded, asked = (jnp.pad(x, ((0, tile), (0, 0))) for x in (rows, change))
    ends = jnp.cumsum(sizes)

    def of_expert(expert: Int[Array, ""]) -> _OfTile:
        own = matrices.of(expert)

        def of_tile(at: Int[Array, ""], made: tuple[Array, Matrices]) -> tuple[Array, Matrices]:
            total, sums = made
            part, wanted, before = (
                jax.lax.dynamic_slice_in_dim(x, at, tile) for x in (padded, asked, total)
            )
            is_own = (at + jnp.arange(tile) < ends[expert])[:, None]
            _, pull = jax.vjp(gated, part, *own)
            of_part, *of_own = pull(jnp.where(is_own, wanted, 0))
            total = jax.lax.dynamic_update_slice_in_dim(total, before + of_part, at, 0)
            more = (old.at[expert].add(new) for old, new in zip(sums, of_own, strict=True))
            return total, Matrices(*more)

        return of_tile

    none = jax.tree.map(jnp.zeros_like, (padded, matrices))
    total, sums = _over_tiles(sizes, tile, of_expert, none)
    return total[: rows.shape[0]], None, sums


_by_tiles.defvjp(_with_arguments, _gradients)


def _over_tiles(
    sizes: Int[Array, " experts"],
    tile: int,
    of_expert: Callable[[Int[Array, ""]], _OfTile],
    made: Any,
) -> Any:
    """Hands on what is made, from tile to tile of every expert that has rows."""
    starts = jnp.cumsum(sizes) - sizes

    def run(expert: Int[Array, ""], made: Any) -> Any:
        of_tile = of_expert(expert)

        def at(number: Int[Array, ""], made: Any) -> Any:
            return of_tile(starts[expert] + number * tile, made)

        return jax.lax.fori_loop(0, -(-sizes[expert] // tile), at, made)

    def if_asked(expert: Int[Array, ""], made: Any) -> Any:
        return jax.lax.cond(sizes[expert] > 0, run, lambda _, kept: kept, expert, made)

    return jax.lax.fori_loop(0, sizes.shape[0], if_asked, made)


def _tile(rows: int, experts: int) -> int:
    """A power of two about half as long as an expert's mean run."""
    half = max(rows // (2 * experts), 1)
    return min(max(1 << (half - 1).bit_length(), _LEAST_TILE), _MOST_TILE)
