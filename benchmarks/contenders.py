"""What takes turns in a throughput measurement: the decode, its model alone, the PyTorch loop."""

import os
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Array, Float, Int

import dllm
from benchmarks import machine
from benchmarks.agreement import Agreement, Steps, compare
from benchmarks.plan import Plan
from dllm.decode import Leave, begin_rows, plan_program, run_compiled
from dllm.models.config import Config, Specials
from dllm.models.network import Network
from dllm.row import Row, Settings
from dllm.sharding.rules import bytes_per_device, place_rows

Contender = Callable[[int], float]
"""Does the work of so many steps and says how many milliseconds one took."""


class Work:
    """The rows of one batch and how they are decoded."""

    def __init__(
        self, plan: Plan, network: Network, config: Config, specials: Specials, batch: int
    ) -> None:
        self.plan, self.network, self.config, self.batch = plan, network, config, batch
        ids = np.random.default_rng(batch).integers(0, min(specials.ids), (batch, plan.prompt))
        self.rows = dllm.rows(ids, plan.gen, plan.block)
        self.scheduler = dllm.rule("llada", steps=plan.schedule)
        # Written, it would be no hole to dllm but one to the published samplers.
        self.proposal = dllm.Proposal(suppress=[specials.mask])

    def begin(self, settings: Settings, limit: int) -> Row:
        """Fresh rows, each on its devices."""
        rows = begin_rows(self.scheduler, settings, limit, self.rows)
        return place_rows(self.network.mesh, rows)

    @property
    def weights(self) -> int:
        """Bytes of parameters that one device reads in a step: of an embedding next to nothing."""
        flat = nnx.to_flat_state(self.network.state)
        arrays = [v[...] for keys, v in flat if self.config.tied or keys != ("embedding",)]
        return sum(bytes_per_device(a.sharding, a.shape, a.dtype.itemsize) for a in arrays)

    def decode(self, steps: int, record: int = 0) -> dllm.Decoded:
        """One `dllm.decode` of so many steps."""
        return dllm.decode(
            self.network, self.rows, self.scheduler, self.proposal, max_steps=steps, record=record
        )


class Loop:
    """The program of `dllm.decode`, left every few forwards."""

    def __init__(self, work: Work) -> None:
        settings = plan_program(work.rows, work.scheduler)
        self._prompts = work.batch * work.plan.prompt
        begin = partial(work.begin, settings, work.plan.steps)
        fixed = (work.network, work.proposal, None, work.scheduler)
        self._run = partial(run_compiled, *fixed, settings=settings)
        # A carry that comes out of the program may differ in kind from a fresh one.
        self._run(self._run(begin(), None, Leave(forwards=1))[0], None, Leave(forwards=0))
        self._carry = begin()

    def __call__(self, steps: int) -> float:
        """See `Contender`."""

        def turn() -> Array:
            self._carry, _, taken = self._run(self._carry, None, Leave(forwards=steps))
            return taken

        return machine.milliseconds(turn) / steps

    @property
    def canvas(self) -> Int[np.ndarray, "rows length"]:
        """As far as it has come."""
        return np.asarray(self._carry.canvas)

    @property
    def tokens(self) -> int:
        """Written so far."""
        return int(np.sum(self.canvas >= 0)) - self._prompts


class Model:
    """The network alone, on the first and the last canvas of the decode in turn.

    Its calls are a loop in one program, as they are in the decode: called from Python, each would
    also pay for the fresh memory of its answer, about as long as a step spends outside the model.
    """

    def __init__(self, work: Work) -> None:
        start = jnp.asarray(work.rows.blocks)[:, 0, 0]
        window, vocab = work.plan.block, work.config.vocab

        @jax.jit
        def loop(network: Network, canvas: Array, steps: Array) -> tuple[Array, Array]:
            def body(_: Array, carry: tuple[Array, Array]) -> tuple[Array, Array]:
                canvas, _ = carry
                logits = network.head(network.hidden(canvas, start, window))
                # Always the same canvas, but the compiler must not know.
                return jnp.where(jnp.isfinite(logits[:, 0, :1]), canvas, dllm.MASK), logits

            blank = jnp.zeros((work.batch, window, vocab), jnp.float32)
            return jax.lax.fori_loop(0, steps, body, (canvas, blank))

        self._loop = partial(loop, work.network)
        canvases = (work.rows.canvas, work.decode(work.plan.steps).canvas)
        # Of one kind, or the program would be compiled for each.
        alike = [jnp.asarray(np.asarray(canvas)) for canvas in canvases]
        self._canvases = place_rows(work.network.mesh, alike)
        self._turns = 0
        self(1)

    def __call__(self, steps: int) -> float:
        """See `Contender`."""
        self._turns += 1
        canvas = self._canvases[self._turns % 2]
        return machine.milliseconds(lambda: self._loop(canvas, jnp.int32(steps))) / steps


class Peer:
    """The PyTorch loop on the same rows, and whether it writes the same tokens."""

    def __init__(self, work: Work) -> None:
        # Its threads spin at every barrier otherwise, which costs it up to five times its speed
        # where anything else runs on the machine.
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
        # Not imported before: it takes memory, which is measured without it.
        import torch  # pyright: ignore[reportMissingImports]

        from benchmarks.peers import llada_torch

        self._work, self._torch, self._mask = work, torch, work.network.mask
        self._model = llada_torch.LLaDA(work.config, parameters(work.network))
        start = np.asarray(work.rows.canvas)
        self._canvases = [start]
        self._steps = llada_torch.sample(
            self._model,
            self._as_ids(start),
            mask=self._mask,
            blocks=[(int(first), int(end)) for first, end in np.asarray(work.rows.blocks)[0]],
            steps=work.plan.block // work.plan.per_step,
        )
        self.logit_difference = self._difference(start[:1])

    @property
    def about(self) -> dict[str, Any]:
        """Its version and how many threads it computes with."""
        return {"torch": self._torch.__version__, "threads": self._torch.get_num_threads()}

    def __call__(self, steps: int) -> float:
        """See `Contender`."""
        made: list[Any] = []
        taken = machine.milliseconds(lambda: made.append(next(self._steps)), steps)
        for ids in made:
            canvas = ids.numpy().astype(np.int32)
            self._canvases.append(np.where(canvas == self._mask, np.int32(dllm.MASK), canvas))
        return taken

    def agreement(self, canvas: Int[np.ndarray, "rows length"]) -> Agreement:
        """Of what it has written with the canvas of the decode. It writes no more."""
        self._steps.close()
        if np.array_equal(canvas, self._canvases[-1]):
            return Agreement(len(canvas), 0, 0)
        return compare(self._our_steps(), np.stack(self._canvases), self.logits)

    def logits(self, canvas: Int[np.ndarray, "rows length"]) -> Float[np.ndarray, "..."]:
        """Of every position; the mask token may not be written."""
        logits = self._model(self._as_ids(canvas)).numpy()
        logits[..., self._mask] = -np.inf
        return logits

    def _difference(self, canvas: Int[np.ndarray, "rows length"]) -> float:
        start = jnp.zeros(len(canvas), jnp.int32)
        ours = jax.jit(Network.logits, static_argnums=3)(
            self._work.network, jnp.asarray(canvas), start, canvas.shape[1]
        )
        apart = np.abs(np.asarray(ours) - self.logits(canvas))
        return float(np.max(apart, where=np.isfinite(apart), initial=0))

    def _our_steps(self) -> Steps:
        """Every canvas of the decode, from a program that also keeps them."""
        steps = self._work.plan.steps
        decoded = self._work.decode(steps, record=steps)
        before = np.moveaxis(np.asarray(decoded.trajectory), 1, 0)
        return np.concatenate([before, np.asarray(decoded.canvas)[None]])

    def _as_ids(self, canvas: Int[np.ndarray, "rows length"]) -> Any:
        return self._torch.tensor(np.where(canvas < 0, self._mask, canvas), dtype=self._torch.long)


def parameters(network: Network) -> Mapping[str, np.ndarray]:
    """Its parameters on the host, by their path."""
    return {
        ".".join(map(str, keys)): np.asarray(variable[...])
        for keys, variable in nnx.to_flat_state(network.state)
    }


def repeated(call: Callable[[], Any]) -> Contender:
    """A call as a contender, run once before so that it is compiled."""
    jax.block_until_ready(call())
    return lambda steps: machine.milliseconds(call, steps)
