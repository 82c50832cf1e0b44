"""TPU slices that are not there: programs compiled for them, and the memory they would take."""

import math
import os
from importlib.util import find_spec
from typing import Any, NamedTuple

import jax
import numpy as np
from jax.experimental import topologies
from jax.sharding import Mesh

from dllm.canvas import rows
from dllm.decode import Leave, begin_rows, memory_shapes, plan_program, run_compiled
from dllm.hardware import Hardware
from dllm.load import DTYPES
from dllm.models.config import Config
from dllm.models.network import Network, abstract
from dllm.models.weights import placed_state, shapes_by_path
from dllm.propose import Proposal
from dllm.sharding import make_mesh, placement, refuse_misfit
from dllm.sharding.rules import rows_shapes
from dllm.stores import refuse_foreign_blocks
from samplers import Scheduler


class Shape(NamedTuple):
    """What a decode is compiled for."""

    prompt: int
    generated: int
    block: int


class Footprint(NamedTuple):
    """Bytes of one device."""

    arguments: int
    """Parameters, rows, and keys and values."""
    work: int
    """The rest, at the largest moment."""


def compile_decode(
    hardware: Hardware,
    config: Config,
    mask: int,
    scheduler: Scheduler,
    shape: Shape,
    *,
    cache: str,
) -> Footprint:
    """Compiles the whole loop for a slice, of which nothing need be here but its compiler.

    `cache` is the kind of it, which may be another than the hardware file's.

    Raises:
        ImportError: libtpu is not installed.
        TypeError: a block-causal cache and a model with other attention.
        ValueError: the slice is no TPU, or the compiler describes it otherwise; the parameters do
            not fit, or what is computed does not; blocks that a block-causal cache refuses.
    """
    mesh = topology_mesh(hardware)
    dtype = np.dtype(DTYPES[hardware.decode.dtype])
    graph, shapes = abstract(config, dtype)
    place = placement(mesh, config)
    refuse_misfit(place, shapes_by_path(shapes), dtype.itemsize, hardware.memory)
    network = Network(placed_state(shapes, place), mask, graph, mesh)
    proposal = Proposal(suppress=[mask])
    batch = rows(
        [[0] * shape.prompt] * hardware.decode.batch,
        gen_length=shape.generated,
        block_length=shape.block,
        anchored=cache == "block_causal",
    )
    settings = plan_program(batch, scheduler, cache=cache)
    refuse_foreign_blocks(network, settings, batch)
    start = rows_shapes(mesh, begin_rows(scheduler, settings, 4096, batch))
    memory = memory_shapes(network, proposal, settings, start)
    lowered = run_compiled.lower(
        network, proposal, None, scheduler, start, memory, Leave(), settings=settings
    )
    try:
        used = lowered.compile(_options(hardware)).memory_analysis()
    except jax.errors.JaxRuntimeError as error:
        if "RESOURCE_EXHAUSTED" not in str(error):
            raise
        said = str(error).partition("\n")[0]
        raise ValueError(f"hardware: out of memory on {hardware.name}: {said}") from None
    assert used is not None  # TPU compilers always say
    return Footprint(used.argument_size_in_bytes, used.temp_size_in_bytes)


def topology_mesh(hardware: Hardware) -> Mesh:
    """The mesh over the devices of a slice as its compiler describes them."""
    if hardware.platform != "tpu":
        raise ValueError(
            f"hardware: only TPU slices can be compiled for from afar, {hardware.name} is "
            f"{hardware.platform}"
        )
    if find_spec("libtpu") is None:
        raise ImportError("needs libtpu, the compiler: pip install 'dllm[tpu]'")
    os.environ.setdefault("TPU_SKIP_MDS_QUERY", "1")  # no cloud is asked what machine this is
    os.environ.setdefault("ALLOW_MULTIPLE_LIBTPU_LOAD", "1")  # a compiler needs no chip to itself
    described = topologies.get_topology_desc(
        platform="tpu", topology_name=hardware.topology, **_layout(hardware)
    )
    sizes = (hardware.mesh.data, hardware.mesh.model)
    if len(described.devices) != math.prod(sizes):
        raise ValueError(
            f"hardware: the compiler describes {hardware.topology} as {len(described.devices)} "
            f"devices, {hardware.name} has {hardware.devices}"
        )
    return make_mesh(*sizes, described.devices)


def _layout(hardware: Hardware) -> dict[str, Any]:
    """What the compiler does not guess of a slice."""
    if hardware.devices == 1:
        return {"chips_per_host_bounds": [1, 1, 1]}
    if hardware.topology.startswith("v4:"):
        return {"chip_config_name": "megacore"}  # two cores are one device, as jax has them there
    return {}


def _options(hardware: Hardware) -> dict[str, str | bool]:
    return {flag.name: flag.value for flag in hardware.flags}
