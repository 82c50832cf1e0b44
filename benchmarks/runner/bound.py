"""What a run could cost at least: the model's operations at the machine's rate of matrix products.

The rate is measured between batches of the same run, since other work on the machine slows both.
"""

import time
from collections.abc import Callable
from functools import cached_property

import jax
import jax.numpy as jnp

from benchmarks import machine
from benchmarks.runner.subject import Subject

_EVERY = 10.0
"""Seconds between two measurements; each takes a few products."""
_TIMES = 4
_COMPILED = "/jax/core/compile/backend_compile_duration"
_LOOP = ("jit(run)", "jit_run", "run")
"""What versions of jax call `dllm.decode.run` once compiled."""
_spent, _made = [0.0], [0]


def _note(event: str, duration_secs: float, **about: str | int) -> None:
    if event == _COMPILED:
        _spent[0] += duration_secs
        _made[0] += about.get("fun_name") in _LOOP


jax.monitoring.register_event_duration_secs_listener(_note)


def compiling() -> float:
    """Seconds that XLA has compiled in this process."""
    return _spent[0]


def programs() -> int:
    """Programs of the loop that this process has compiled, or found compiled on disk."""
    return _made[0]


class Yardstick:
    """Times a product of large matrices now and then."""

    def __init__(self, subject: Subject) -> None:
        self._counts = subject.operations(1, 1) > 0
        self._size = 1024 if jax.default_backend() == "cpu" else 8192
        self._dtype = jax.tree.leaves(subject.denoiser)[0].dtype if self._counts else jnp.float32
        self._due = 0.0

    @cached_property
    def _product(self) -> Callable[[], jax.Array]:
        product = machine.matmul(self._size, self._dtype)
        jax.block_until_ready(product())  # compiles
        return product

    def measure(self) -> tuple[float, float]:
        """Operations and the seconds they took; none if nobody counts or it is too early."""
        if not self._counts or time.perf_counter() < self._due:
            return 0.0, 0.0
        took = _TIMES * machine.milliseconds(self._product, _TIMES) / 1e3
        self._due = time.perf_counter() + _EVERY
        return _TIMES * 2.0 * self._size**3, took
