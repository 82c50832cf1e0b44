"""What steps over a cache take, held against the machine.

A block opens with a full forward whose keys and values are kept; the steps that follow compute
the block alone (`dual`), or the block and all behind it (`prefix`). The two kinds are timed apart:
the program of `dllm.decode` is left and entered again between them.

The physics: a full step is a forward of the whole canvas, bound by the matmul rate. A step of the
block of a few rows multiplies each weight with few positions, so that on accelerators reading takes
the time: the weights once (of the embedding only the rows looked up) and all keys and values.
"""

import statistics
from typing import Any

import jax
from jaxtyping import Array

from benchmarks import machine
from benchmarks.contenders import Work
from dllm.caches import Memory
from dllm.decode import Leave, begin_memory, plan_program, run_compiled
from dllm.row import Row
from dllm.sharding.rules import bytes_per_device

TURNS = 8
"""Blocks that are timed."""


class Blocks:
    """A decode over a cache, block by block; begun anew when all are filled."""

    def __init__(self, work: Work, kind: str) -> None:
        self._settings = plan_program(work.rows, work.scheduler, cache=kind)
        self._fixed = (work.network, work.proposal, None, work.scheduler)
        self._work, plan = work, work.plan
        self.steps = plan.block // plan.per_step
        """Forwards of a block: a full one, then these less one."""
        self._left = 0
        self._carry: tuple[Row, Memory | None] = self._begin()
        self.cache_bytes = sum(
            bytes_per_device(leaf.sharding, leaf.shape, leaf.dtype.itemsize)
            for leaf in jax.tree.leaves(self._carry[1])
        )
        """Of one device."""
        self.block()

    def block(self) -> tuple[float, float]:
        """Milliseconds of the next block's full forward, and of each that follows it."""
        if not self._left:
            self._carry = self._begin()
        self._left -= 1
        full = self._time(1)
        return full, self._time(self.steps - 1)

    def _begin(self) -> tuple[Row, Memory | None]:
        work = self._work
        self._left = work.plan.gen // work.plan.block
        rows = work.begin(self._settings, work.plan.gen)
        memory = begin_memory(work.network, work.proposal, self._settings, rows)
        # Once through the program: a carry that comes out of it may differ in kind.
        return self._run(rows, memory, Leave(forwards=0))[:2]

    def _run(self, rows: Row, memory: Memory | None, leave: Leave) -> tuple[Row, Any, Array]:
        return run_compiled(*self._fixed, rows, memory, leave, settings=self._settings)

    def _time(self, forwards: int) -> float:
        """Milliseconds each."""

        def go() -> Array:
            rows, memory, taken = self._run(*self._carry, Leave(forwards=forwards))
            self._carry = (rows, memory)
            return taken

        return machine.milliseconds(go) / forwards


def measure(work: Work, kind: str) -> dict[str, Any]:
    """The figures of one cache, `prefix` or `dual`; blocks take turns with a matmul and a copy."""
    plan, blocks = work.plan, Blocks(work, kind)
    peak = {"resident": machine.peak_resident_mib(), "device": machine.peak_device_mib()}
    multiply = machine.matmul(plan.matmul, work.network.dtype)
    move = machine.copy(plan.copy_mib)
    jax.block_until_ready((multiply(), move()))
    taken: dict[str, list[float]] = {"full": [], "block": [], "matmul": [], "copy": []}
    for _ in range(TURNS):
        full, within = blocks.block()
        rates = {"matmul": machine.milliseconds(multiply, 4), "copy": machine.milliseconds(move, 4)}
        for name, value in {"full": full, "block": within, **rates}.items():
            taken[name].append(value)
    times = {name: statistics.median(listed) for name, listed in taken.items()}
    return {
        **_figures(work, kind, blocks, times),
        "cache_mib": blocks.cache_bytes / 2**20,
        "peak_mib": peak,
        "turns_ms": taken,
    }


def _figures(work: Work, kind: str, blocks: Blocks, times: dict[str, float]) -> dict[str, Any]:
    plan, config, batch = work.plan, work.config, work.batch
    matmul = 2e3 * plan.matmul**3 / times["matmul"]
    copied = 2e3 * plan.copy_mib * 2**20 / times["copy"]
    head = batch * plan.block
    behind = plan.gen if kind == "prefix" else plan.block

    def flops(tokens: int) -> float:
        """Of one device."""
        return config.flops(tokens, plan.length, head) / plan.devices

    weights = work.weights
    read = weights + blocks.cache_bytes
    whole = times["full"] + (blocks.steps - 1) * times["block"]
    bounds = {
        "full": {
            "matmul": 1e3 * flops(batch * plan.length) / matmul,
            "copy": 1e3 * weights / copied,
        },
        "block": {"matmul": 1e3 * flops(batch * behind) / matmul, "copy": 1e3 * read / copied},
    }
    return {
        "kind": kind,
        "tokens_per_forward": plan.per_step,
        "full_ms": times["full"],
        "block_ms": times["block"],
        "tokens_per_s": 1e3 * head / whole,
        "matmul_tflops": matmul / 1e12,
        "copy_gb_per_s": copied / 1e9,
        "full_of_matmul": bounds["full"]["matmul"] / times["full"],
        "full_of_bandwidth": bounds["full"]["copy"] / times["full"],
        "block_of_matmul": bounds["block"]["matmul"] / times["block"],
        "block_of_bandwidth": bounds["block"]["copy"] / times["block"],
    }
