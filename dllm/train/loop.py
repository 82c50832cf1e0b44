"""The training loop."""

import dataclasses
from collections import deque
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import jax
import jax.numpy as jnp

from dllm.hub import folder_of
from dllm.load import Model
from dllm.models.export import save
from dllm.models.network import Network
from dllm.train.batches import Batch, Feeder, Maker
from dllm.train.checkpoints import Checkpoints
from dllm.train.data import Source
from dllm.train.metrics import Bar, Journal, NotFiniteError, Pending
from dllm.train.resume import deciding, refuse_other
from dllm.train.settings import Settings
from dllm.train.start import starting_model
from dllm.train.step import State, Step, begin, local_devices, make_step, shapes_of

Evaluate = Callable[[int, Model], dict[str, float]]
"""Numbers that a model is worth at a step."""

TABLES = ("shapes", "optimizer", "objective", "run")
"""Of the settings, what decides the losses."""

AHEAD = 2
"""Steps that the device has been given and not ended."""


def train(
    settings: Settings,
    source: Source,
    *,
    out: str | Path,
    model: Model | None = None,
    evaluate: Evaluate | None = None,
    progress: bool | None = None,
) -> Model:
    """Trains to the last step, from the newest checkpoint in `out` if there is one.

    `out` gets `metrics.jsonl`, `checkpoints/` and, at the end, `model/`, which `dllm.load` reads.
    `model` is where a new run starts (left out: what `settings.model` says). `evaluate` is called
    every `run.evaluate_every` steps. `progress` shows a bar (left out: on a terminal).

    Raises:
        NotFiniteError: a loss or gradient is not finite.
        CheckpointWriteError: the disk is full.
        ValueError: settings, model and data do not go together.
    """
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    model = starting_model(settings.model, out, settings.run.seed, model)
    files = folder_of(model.name)
    run = _Run(settings, model, out, evaluate)
    with closing(run), Bar(int(run.state.step), settings.optimizer.steps, progress) as bar:
        run.go(source, bar)
        trained = run.model()
    save(trained, out / "model", files=files, dtype=settings.run.export)
    return trained


class _Run:
    """A run under way: the state, and what has yet to be read and written of it."""

    def __init__(
        self, settings: Settings, model: Model, out: Path, evaluate: Evaluate | None
    ) -> None:
        self._settings, self._model, self._evaluate = settings, model, evaluate
        self._devices = local_devices(settings)
        self._checkpoints = Checkpoints(out / "checkpoints", settings.run.keep)
        parts = (settings, model.network, self._devices)
        fresh = self._checkpoints.latest is None
        refuse_other(deciding(settings, TABLES), out / "settings.json", fresh=fresh)
        self.state: State = begin(*parts) if fresh else self._checkpoints.restore(shapes_of(*parts))
        self._journal = Journal(out / "metrics.jsonl", int(self.state.step))
        self._pending: deque[Pending] = deque()

    def go(self, source: Source, bar: Bar) -> None:
        """All steps that are left."""
        try:
            self._go(source, bar)
        except KeyboardInterrupt:
            raise KeyboardInterrupt(f"while training; {self._checkpoints.kept}") from None

    def _go(self, source: Source, bar: Bar) -> None:
        settings = self._settings
        maker = Maker(self._model, source, settings.shapes, settings.run.seed)
        step = make_step(settings, self._model.network, self._devices)
        begun = int(self.state.step)
        if begun and not self._journal.evaluated:  # it was cut off before it was
            self._evaluate_if_due(begun)
        numbers = range(begun, settings.optimizer.steps)
        with closing(Feeder(maker, numbers)) as feeder:
            for number in numbers:
                self._step(step, number + 1, feeder)
                self._read(bar, AHEAD)
                self._write(number + 1, bar)

    def model(self) -> Model:
        """The model as it is evaluated and exported, of arrays of its own."""
        params = self.state.params if self.state.ema is None else self.state.ema
        network = self._model.network
        copied = Network(jax.tree.map(jnp.copy, params), network.mask, network.graph)
        return dataclasses.replace(self._model, network=copied)

    def close(self) -> None:
        """Closes the files."""
        self._journal.close()
        self._checkpoints.close()

    def _step(self, step: Step, number: int, feeder: Feeder) -> None:
        before = feeder.waited
        batch: Batch = feeder.take(lambda: jax.block_until_ready(self.state))
        answer = self._settings.shapes[batch.shape].answer
        rows = self._devices.rows
        self.state, metrics = step(
            self.state, *jax.device_put((batch.canvas, batch.start), rows), answer
        )
        waited = feeder.waited - before
        self._pending.append(Pending(number, metrics, batch.shape, len(batch.start), waited))

    def _read(self, bar: Bar, ahead: int) -> None:
        """Reads what steps say, all but the last few, which the device is at."""
        try:
            while len(self._pending) > ahead:
                bar.see(self._journal.add(self._pending.popleft()))
        except NotFiniteError as error:
            raise NotFiniteError(f"{error}; {self._checkpoints.kept}") from None

    def _write(self, number: int, bar: Bar) -> None:
        run = self._settings.run
        evaluating = self._evaluate is not None and self._is_due(number, run.evaluate_every)
        saving = self._is_due(number, run.checkpoint_every)
        if evaluating or saving:
            self._read(bar, 0)
        if saving or number % run.log_every == 0:
            self._journal.flush()
        if saving:  # before an evaluation, whose code is not this module's
            self._checkpoints.save(number, self.state)
        self._evaluate_if_due(number)

    def _evaluate_if_due(self, number: int) -> None:
        if self._evaluate is not None and self._is_due(number, self._settings.run.evaluate_every):
            self._journal.evaluation(number, self._evaluate(number, self.model()))

    def _is_due(self, number: int, every: int) -> bool:
        return due(number, every, number == self._settings.optimizer.steps)


def due(number: int, every: int, last: bool, taken: int = 1) -> bool:
    """Whether what is done every so many steps is due after the last `taken` of `number`."""
    return every > 0 and (number // every > (number - taken) // every or last)
