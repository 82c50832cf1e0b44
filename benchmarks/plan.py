"""What a throughput measurement decodes and how much of it."""

import dataclasses
import importlib.util
import math
from collections.abc import Sequence

import jax

from dllm.hardware import Hardware
from dllm.models.config import Config, Specials
from dllm.models.families import family_of
from dllm.models.random import preset as config_of_preset

CACHES = ("prefix", "dual")
PUBLISHED = ("llada-300m", "llada-8b")
"""Presets that are measured at the sizes of the published figures."""


@dataclasses.dataclass(frozen=True)
class Plan:
    """Sizes in rows, positions, steps and tokens. `make_plan` fills in what fits a preset."""

    preset: str
    dtype: str
    batches: tuple[int, ...]
    prompt: int
    gen: int
    block: int
    steps: int
    """Forwards that are run and timed; fewer than the schedule leave rows unfinished."""
    per_step: int
    """Tokens that a step writes in each row."""
    turn: int
    """Forwards between two changes of turn."""
    matmul: int
    """Rows and columns of the matrices that the matmul rate is measured with."""
    copy_mib: int
    """Size of what the bandwidth is measured with."""
    peer: bool
    caches: tuple[str, ...] = ()
    """Kinds that are timed too."""
    hardware: str | None = None
    """The name of a hardware file, whose mesh is computed on."""
    mesh: tuple[int, int] = (1, 1)
    """Devices of `data` by `model`."""

    @property
    def length(self) -> int:
        """Positions of a canvas."""
        return self.prompt + self.gen

    @property
    def schedule(self) -> int:
        """Steps that fill a row."""
        return self.gen // self.per_step

    @property
    def devices(self) -> int:
        """Among which a step is cut."""
        return math.prod(self.mesh)


def make_plan(
    preset: str = "llada-25m",
    *,
    dtype: str | None = None,
    batches: tuple[int, ...] | None = None,
    prompt: int | None = None,
    gen: int | None = None,
    block: int = 32,
    steps: int | None = None,
    per_step: int | None = None,
    turn: int = 8,
    matmul: int | None = None,
    peer: bool | None = None,
    caches: Sequence[str] | None = None,
    hardware: Hardware | None = None,
) -> Plan:
    """A plan; what is left out fits the preset, and the peer runs wherever it can.

    The mesh is the hardware file's, and so is the dtype where nobody says.

    Raises:
        ValueError: sizes that do not go together, or a peer that cannot run.
    """
    _refuse_below_one(gen=gen, per_step=per_step)
    large, published = preset == "llada-8b", preset in PUBLISHED
    if dtype is None:
        dtype = "bfloat16" if large else "float32"
        dtype = dtype if hardware is None else hardware.decode.dtype
    gen = gen or (256 if published else 128)
    per_step = per_step or (4 if published else 1)
    schedule = gen // per_step
    host = jax.default_backend() == "cpu"
    most = min(32, schedule) if published else schedule
    made = Plan(
        preset=preset,
        dtype=dtype,
        batches=((1, 8) if published else (8,)) if batches is None else batches,
        prompt=(512 if published else 128) if prompt is None else prompt,
        gen=gen,
        block=block,
        steps=most if steps is None else steps,
        per_step=per_step,
        turn=turn,
        matmul=(2048 if host else 8192) if matmul is None else matmul,
        copy_mib=256 if host else 2048,
        peer=False,
        caches=tuple((CACHES if published else ()) if caches is None else caches),
        hardware=None if hardware is None else hardware.name,
        mesh=(1, 1) if hardware is None else (hardware.mesh.data, hardware.mesh.model),
    )
    _refuse(made)
    obstacle = _peer_obstacle(made)
    if peer and obstacle:
        raise ValueError(f"throughput: --peer needs {obstacle}")
    return dataclasses.replace(made, peer=not obstacle if peer is None else peer)


def shape(preset: str) -> tuple[Config, Specials]:
    """The transformer and the special ids of a preset."""
    raw = config_of_preset(preset)
    family = family_of(raw)
    return family.read_config(raw), family.read_specials(raw)


def _refuse(plan: Plan) -> None:
    _refuse_below_one(
        prompt=plan.prompt,
        block=plan.block,
        turn=plan.turn,
        batch=min(plan.batches),
        matmul=plan.matmul,
    )
    if plan.gen % plan.block or plan.block % plan.per_step:
        raise ValueError(
            "throughput: block must divide gen and tokens-per-step divide block, got "
            f"gen {plan.gen}, block {plan.block}, tokens-per-step {plan.per_step}"
        )
    if plan.caches and plan.per_step == plan.block:
        raise ValueError(
            "throughput: with a cache a block must take two steps at least, got block "
            f"{plan.block} and tokens-per-step {plan.per_step}"
        )
    if not 1 <= plan.steps <= plan.schedule:
        raise ValueError(
            f"throughput: steps must be in [1, {plan.schedule}] (gen / tokens-per-step), "
            f"got {plan.steps}"
        )
    config, _ = shape(plan.preset)
    if plan.length > config.max_length:
        raise ValueError(
            f"throughput: prompt + gen must be at most {config.max_length} with {plan.preset}, "
            f"got {plan.length}"
        )


def _refuse_below_one(**numbers: int | None) -> None:
    for name, value in numbers.items():
        if value is not None and value < 1:
            option = "tokens-per-step" if name == "per_step" else name
            raise ValueError(f"throughput: {option} must be at least 1, got {value}")


def _peer_obstacle(plan: Plan) -> str | None:
    """What the peer lacks, if anything. Does not import torch: memory is measured without it."""
    if importlib.util.find_spec("torch") is None:
        return "PyTorch (the extra `peers`)"
    if plan.dtype != "float32":
        return f"dtype float32, got {plan.dtype}"
    if plan.devices > 1:
        return f"one device, got {plan.devices}"
    if jax.default_backend() != "cpu":
        return f"jax on the CPU too (JAX_PLATFORMS=cpu), got {jax.default_backend()}"
    return None
