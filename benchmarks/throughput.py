"""Throughput of decoding, and where the time of a step goes.

A network of random weights decodes rows with LLaDA's even schedule at temperature 0: its speed
does not depend on what the weights are. First one `dllm.decode` as it is; then its program once
more, left and entered again every few forwards (as the pool does), so that everything it is held
against is measured in turns with it and a slow moment of a shared machine hits them all:

* the model alone: the network's `hidden` and `head` on the same canvases, as a compiled loop too.
  What a step takes beyond it is spent outside the model;
* a square matmul in the weights' dtype, and a copy in memory;
* where PyTorch is installed, `benchmarks.peers.llada_torch`: same weights, prompts and schedule.

The physics: a full step multiplies the weights of the layers with every position of every row, and
those of the head with the block's: `Config.flops`, about 2 x weights x positions. It takes no less
than these operations do at the machine's matmul rate, and no less than reading the weights once at
its bandwidth. From a few hundred positions on the first is the larger by far: rows together in a
batch then cost what they cost one by one, and the share of the matmul rate is what there is to win.
A sampler that takes logits of the whole sequence multiplies the head with all of it, and its
float64 softmax reads and writes rows x length x vocabulary numbers of 8 bytes several times.

On a mesh of devices the two rates are those of one device, and each is held against its share of
the work: an even part of the operations, and the parameters that it has.

Times are medians over turns. `benchmarks.cached` has the steps over a cache.
"""

import dataclasses
import math
import statistics
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax.sharding import Mesh
from jaxtyping import Array
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks import cached, machine
from benchmarks.contenders import Contender, Loop, Model, Peer, Work, repeated
from benchmarks.plan import Plan, shape
from benchmarks.random_network import random_network
from dllm.load import DTYPES
from dllm.models.config import Config
from dllm.models.network import Network

Figures = dict[str, Any]

_LINES = (
    ("compile, s", "{:.1f}", "compile_s"),
    ("one dllm.decode, s", "{:.1f}", "decode_s"),
    ("ms a step", "{:.2f}", "ms_per_step"),
    ("  in the model", "{:.2f}", "model_ms"),
    ("  outside", "{:.2f}", "outside_ms"),
    ("  outside, share", "{:.1%}", "outside_share"),
    ("tokens / s", "{:.1f}", "tokens_per_s"),
    ("TFLOP / s", "{:.3g}", "tflops"),
    ("matmul, TFLOP / s", "{:.3g}", "matmul_tflops"),
    ("share of the matmul rate", "{:.1%}", "of_matmul"),
    ("copy, GB / s", "{:.4g}", "copy_gb_per_s"),
    ("least ms by matmul rate", "{:.2f}", "least_ms_by_matmul"),
    ("least ms to read weights", "{:.2f}", "least_ms_by_copy"),
)
_CACHE_LINES = (
    ("ms a full step", "{:.2f}", "full_ms"),
    ("  share of the matmul rate", "{:.1%}", "full_of_matmul"),
    ("  share of the bandwidth", "{:.1%}", "full_of_bandwidth"),
    ("ms a step over the cache", "{:.2f}", "block_ms"),
    ("  share of the matmul rate", "{:.1%}", "block_of_matmul"),
    ("  share of the bandwidth", "{:.1%}", "block_of_bandwidth"),
    ("tokens a forward", "{}", "tokens_per_forward"),
    ("tokens / s", "{:.1f}", "tokens_per_s"),
    ("cache, MiB", "{:.1f}", "cache_mib"),
)
_PEER_LINES = (
    ("PyTorch: ms a step", "{:.2f}", "ms_per_step"),
    ("PyTorch: tokens / s", "{:.1f}", "tokens_per_s"),
    ("rows with other tokens", "{}", "rows_that_differ"),
    ("  of these ties", "{}", "ties"),
    ("largest difference of logits", "{:.1e}", "max_logit_difference"),
    ("tokens / s, times PyTorch's", "{:.2f}", "ratio"),
)


def measure(plan: Plan, mesh: Mesh | None = None) -> Figures:
    """Runs a plan; prints tables and returns the figures as they go into a JSON file.

    `mesh` is the one that the plan speaks of.
    """
    about = machine.description()
    config, specials = shape(plan.preset)
    network = random_network(config, specials.mask, DTYPES[plan.dtype], mesh=mesh)
    attention = attention_difference(network, config)
    works = [Work(plan, network, config, specials, batch) for batch in plan.batches]
    started = [_start(work) for work in works]
    # Before PyTorch and the yardsticks take memory of their own.
    memory = {"resident": machine.peak_resident_mib(), "device": machine.peak_device_mib()}
    figures = {
        **dataclasses.asdict(plan),
        **about,
        "parameters": config.parameters,
        "peak_mib": memory,
        "attention": attention,
        "caches": [
            {"batch": work.batch, **cached.measure(work, kind)}
            for kind in plan.caches
            for work in works
        ],
        "runs": [{**begun, **_measure(work)} for work, begun in zip(works, started, strict=True)],
    }
    _print(figures)
    return figures


def attention_difference(network: Network, config: Config) -> Figures:
    """How far logits differ between attention by lengths and by a mask, on two short rows.

    In half precision on a GPU the first is cuDNN's flash attention and the second XLA's.
    """
    length = min(64, config.max_length)
    lengths = jnp.array([length, length - length // 4])
    ids = jax.random.randint(jax.random.key(1), (2, length), 0, config.vocab)
    exists = jnp.arange(length)[None] < lengths[:, None]

    @jax.jit
    def differ(network: Network) -> tuple[Array, Array]:
        by_length = network.head(network.states(ids, lengths))
        by_mask = network.head(network.states(ids, lengths, exists))
        apart = jnp.where(exists[..., None], jnp.abs(by_length - by_mask), 0)
        return jnp.max(apart), jnp.max(jnp.abs(by_mask))

    difference, largest = differ(network)
    return {
        "backend": jax.default_backend(),
        "max_difference": float(difference),
        "max_logit": float(largest),
    }


def _start(work: Work) -> Figures:
    """Compiles, then decodes without a break."""
    first, second = (machine.milliseconds(partial(work.decode, 1)) for _ in range(2))
    whole = machine.milliseconds(partial(work.decode, work.plan.steps))
    return {"batch": work.batch, "compile_s": (first - second) / 1e3, "decode_s": whole / 1e3}


def _measure(work: Work) -> Figures:
    """Everything in turns; the figures of one batch."""
    loop = Loop(work)
    contenders: dict[str, Contender] = {
        "step": loop,
        "model": Model(work),
        "matmul": repeated(machine.matmul(work.plan.matmul, work.network.dtype)),
        "copy": repeated(machine.copy(work.plan.copy_mib)),
    }
    peer = Peer(work) if work.plan.peer else None
    if peer is not None:
        contenders["peer"] = peer
    turns = _take_turns(work, contenders)
    times = {name: statistics.median(listed) for name, listed in turns.items()}
    compared = None if peer is None else _compare(work, peer, loop, times)
    return {**_figures(work, loop, times), "peer": compared, "turns_ms": turns}


def _take_turns(work: Work, contenders: dict[str, Contender]) -> dict[str, list[float]]:
    """Milliseconds a step of every contender, turn by turn."""
    steps, turn = work.plan.steps, work.plan.turn
    sizes = [min(turn, steps - begun) for begun in range(0, steps, turn)]
    taken: dict[str, list[float]] = {name: [] for name in contenders}
    console = Console(stderr=True)
    label = f"batch {work.batch}"
    for size in track(
        sizes, label, console=console, transient=True, disable=not console.is_terminal
    ):
        for name, contender in contenders.items():
            taken[name].append(contender(size))
    return taken


def _figures(work: Work, loop: Loop, times: dict[str, float]) -> Figures:
    plan, config = work.plan, work.config
    step, model = times["step"], times["model"]
    flops = config.flops(work.batch * plan.length, plan.length, work.batch * plan.block)
    matmul = 2e3 * plan.matmul**3 / times["matmul"]
    copied = 2e3 * plan.copy_mib * 2**20 / times["copy"]
    own = flops / plan.devices
    return {
        "length": plan.length,
        "tokens": loop.tokens,
        "ms_per_step": step,
        "model_ms": model,
        "outside_ms": step - model,
        "outside_share": (step - model) / step,
        "tokens_per_s": 1e3 * loop.tokens / (plan.steps * step),
        "tflop_per_step": flops / 1e12,
        "tflops": 1e3 * flops / step / 1e12,
        "matmul_tflops": matmul / 1e12,
        "of_matmul": 1e3 * own / step / matmul,
        "copy_gb_per_s": copied / 1e9,
        "least_ms_by_matmul": 1e3 * own / matmul,
        "least_ms_by_copy": 1e3 * work.weights / copied,
    }


def _compare(work: Work, peer: Peer, loop: Loop, times: dict[str, float]) -> Figures:
    """What the peer did; no ratio if tokens differ for another reason than ties."""
    agreement = peer.agreement(loop.canvas)
    ratio = times["peer"] / times["step"]
    return {
        **peer.about,
        "max_logit_difference": peer.logit_difference,
        "rows": agreement.rows,
        "rows_that_differ": agreement.differing,
        "ties": agreement.ties,
        "ms_per_step": times["peer"],
        "tokens_per_s": 1e3 * loop.tokens / (work.plan.steps * times["peer"]),
        "ratio": ratio if agreement.explained else None,
    }


def _print(figures: Figures) -> None:
    console = Console()
    memory = figures["peak_mib"]
    console.print(
        f"{figures['preset']} ({figures['parameters'] / 1e6:.1f}M, {figures['dtype']}) on "
        f"{math.prod(figures['mesh'])} x {figures['device']}, jax {figures['jax']}: "
        f"prompt {figures['prompt']}, generate "
        f"{figures['gen']}, block {figures['block']}, {figures['steps']} steps; load average "
        f"{figures['load_average']:.1f} on {figures['cpus']} cores; peak memory "
        f"{memory['resident']:.0f} MiB"
        + ("" if memory["device"] is None else f", on the device {memory['device']:.0f} MiB")
    )
    table = Table("", *(f"batch {run['batch']}" for run in figures["runs"]))
    _fill(table, _LINES, figures["runs"])
    if figures["peer"]:
        _fill(table, _PEER_LINES, [run["peer"] for run in figures["runs"]])
    console.print(table)
    if figures["caches"]:
        table = Table("", *(f"{run['kind']}, batch {run['batch']}" for run in figures["caches"]))
        _fill(table, _CACHE_LINES, figures["caches"])
        console.print(table)
    attention = figures["attention"]
    console.print(
        f"attention by lengths and by mask ({attention['backend']}): logits up to "
        f"{attention['max_logit']:.1f} differ by at most {attention['max_difference']:.1e}"
    )


def _fill(table: Table, lines: tuple[tuple[str, str, str], ...], runs: list[Figures]) -> None:
    for label, form, key in lines:
        cells = (run[key] for run in runs)
        table.add_row(label, *("refused" if cell is None else form.format(cell) for cell in cells))
