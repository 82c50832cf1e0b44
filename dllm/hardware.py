"""Hardware files: one slice or machine each, with its mesh, its settings and its compiler flags."""

import dataclasses
import os
from collections.abc import MutableMapping
from pathlib import Path

import jax
from jax.sharding import Mesh

from dllm.caches import KINDS
from dllm.limits import at_least, must, one_of
from dllm.load import DTYPES
from dllm.sharding.mesh import make_mesh
from dllm.toml import read

PLATFORMS = {"tpu": "LIBTPU_INIT_ARGS", "gpu": "XLA_FLAGS", "cpu": "XLA_FLAGS"}
"""Where each platform's compiler looks for flags."""


@dataclasses.dataclass(frozen=True)
class MeshSizes:
    """`[mesh]`."""

    data: int
    model: int

    def __post_init__(self) -> None:
        at_least("mesh.data", self.data, 1)
        at_least("mesh.model", self.model, 1)


@dataclasses.dataclass(frozen=True)
class Decoding:
    """`[decode]`: what is taken where the command line is silent."""

    dtype: str
    cache: str
    batch: int
    lengths: tuple[int, ...]
    """Canvas lengths to compile for, ascending; longer rows get lengths of their own."""

    def __post_init__(self) -> None:
        one_of("decode.dtype", self.dtype, tuple(DTYPES))
        one_of("decode.cache", self.cache, tuple(KINDS))
        at_least("decode.batch", self.batch, 1)
        ascending = all(a < b for a, b in zip((0, *self.lengths), self.lengths, strict=False))
        must(ascending, "decode.lengths", "positive and ascending", list(self.lengths))


@dataclasses.dataclass(frozen=True)
class Flag:
    """`[[flags]]`: a compiler flag, and why."""

    name: str
    value: str
    reason: str

    def __post_init__(self) -> None:
        must(self.name.startswith("xla_"), "flags.name", "an XLA flag without dashes", self.name)
        must(bool(self.reason.strip()), "flags.reason", "a text", repr(self.reason))


@dataclasses.dataclass(frozen=True)
class Hardware:
    """A slice or a machine."""

    name: str
    platform: str
    kinds: tuple[str, ...]
    """What jax may call one of its devices."""
    devices: int
    """As jax counts them, over all hosts."""
    hosts: int
    memory_gib: float
    """Of one device."""
    mesh: MeshSizes
    decode: Decoding
    topology: str = ""
    """As the compiler names it, for TPUs."""
    flags: tuple[Flag, ...] = ()

    def __post_init__(self) -> None:
        one_of("platform", self.platform, tuple(PLATFORMS))
        must(bool(self.kinds), "kinds", "a list of names", list(self.kinds))
        at_least("devices", self.devices, 1)
        at_least("hosts", self.hosts, 1)
        must(self.memory_gib > 0, "memory_gib", "above 0", self.memory_gib)
        must(self.devices % self.hosts == 0, "hosts", f"a divisor of {self.devices}", self.hosts)
        cut = self.mesh.data * self.mesh.model
        must(cut == self.devices, "mesh", f"of {self.devices} devices", cut)
        tpu = self.platform == "tpu"
        must(bool(self.topology) == tpu, "topology", "given for TPUs alone", repr(self.topology))

    @property
    def memory(self) -> int:
        """Bytes of one device."""
        return int(self.memory_gib * 2**30)


def read_hardware(path: str | Path) -> Hardware:
    """A hardware file.

    Raises:
        ValueError: not TOML, a key that nobody knows, one that is missing, a value out of range.
    """
    return read(Hardware, path)


def set_flags(hardware: Hardware, environment: MutableMapping[str, str] = os.environ) -> None:
    """Hands the flags to the compiler; only before jax has looked for devices. Set ones win."""
    variable = PLATFORMS[hardware.platform]
    own = [f"--{flag.name}={flag.value}" for flag in hardware.flags]
    if own:
        environment[variable] = " ".join([*own, environment.get(variable, "")]).strip()


def claim(hardware: Hardware) -> Mesh:
    """The mesh over the devices that are here.

    Raises:
        ValueError: they are of another platform (jax falls back to the CPU in silence), of
            another kind, or another number.
    """
    wanted = f"hardware: {hardware.name} is {hardware.devices} {hardware.platform} devices"
    try:
        found = jax.devices()
    except RuntimeError as error:
        raise ValueError(f"{wanted}, and jax found none ({error})") from None
    if found[0].platform != hardware.platform:
        raise ValueError(
            f"{wanted}, got platform {found[0].platform}; is jax installed for "
            f"{hardware.platform}, and is no other program on the devices?"
        )
    if found[0].device_kind not in hardware.kinds:
        kinds = " or ".join(hardware.kinds)
        raise ValueError(f"{wanted} of kind {kinds}, got {found[0].device_kind}")
    if len(found) != hardware.devices:
        raise ValueError(f"{wanted}, got {len(found)}")
    if jax.process_count() != hardware.hosts:
        raise ValueError(
            f"hardware: {hardware.name} is {hardware.hosts} hosts with a process each, "
            f"got {jax.process_count()}"
        )
    return make_mesh(hardware.mesh.data, hardware.mesh.model, found)
