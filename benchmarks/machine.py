"""What this machine can do, in the units that a measurement is held against."""

import os
import platform
import resource
import sys
import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp


def description() -> dict[str, Any]:
    """Of the first device, and how busy the host was with other work in the last minute."""
    return {
        "device": jax.devices()[0].device_kind,
        "backend": jax.default_backend(),
        "machine": platform.machine(),
        "cpus": os.cpu_count(),
        "load_average": os.getloadavg()[0],
        "jax": jax.__version__,
    }


def milliseconds(call: Callable[[], Any], times: int = 1) -> float:
    """Milliseconds a call, of `times` calls one behind the other and waited for once."""
    answer = None
    begun = time.perf_counter()
    for _ in range(times):
        answer = call()
    jax.block_until_ready(answer)
    return 1e3 * (time.perf_counter() - begun) / times


def matmul(size: int, dtype: Any) -> Callable[[], jax.Array]:
    """A product of two square matrices: 2 size^3 floating point operations.

    In float32 all of it, as the network asks for: accelerators would round their inputs otherwise.
    """
    keys = jax.random.split(jax.random.key(0))
    left, right = (jax.random.normal(key, (size, size), dtype) for key in keys)
    precision = "highest" if dtype == jnp.float32 else "default"
    product = jax.jit(lambda a, b: jnp.matmul(a, b, precision=precision))
    return lambda: product(left, right)


def copy(mib: int) -> Callable[[], jax.Array]:
    """Reads and writes so many MiB once: 2 mib 2^20 bytes of traffic."""
    # In place: a host would spend its time handing out fresh pages. Not the identity, which jax
    # would answer with its input.
    flip = jax.jit(jnp.invert, donate_argnums=0)
    held = [jnp.zeros((mib * 2**20 // 4,), jnp.int32)]

    def call() -> jax.Array:
        held[0] = flip(held[0])
        return held[0]

    return call


def peak_resident_mib() -> float:
    """Most host memory that this process ever held, in MiB."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20


def peak_device_mib() -> float | None:
    """Most device memory ever in use, in MiB; `None` where the device does not count it."""
    counted = jax.devices()[0].memory_stats() or {}
    peak = counted.get("peak_bytes_in_use")
    return None if peak is None else peak / 2**20
