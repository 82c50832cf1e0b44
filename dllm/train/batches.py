"""Batches of a shape, made ahead of the steps that take them.

Everything in a batch follows from (seed, step, slot), so a run that is resumed needs no state of
its data.
"""

import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Int32

from dllm.load import Model
from dllm.train.data import Source
from dllm.train.encode import Encoded, Encoder
from dllm.train.settings import Shape
from samplers import VOID

TRIES = 200
"""Examples that a slot draws before its shape is given up."""

_NO_SLOT = 2**32 - 1
"""Stands where a slot would in the seed of a step's shape."""


class Batch(NamedTuple):
    """Rows of one shape: prompt, answer, end-of-text up to the window's end, `VOID` behind."""

    canvas: Int32[np.ndarray, "rows positions"]
    start: Int32[np.ndarray, " rows"]
    """Where the answer begins."""
    shape: int
    """Which of the settings' shapes this is."""


class Maker:
    """Draws and lays out the batch of any step."""

    def __init__(self, model: Model, source: Source, shapes: Sequence[Shape], seed: int) -> None:
        if model.specials.eos is None:
            raise ValueError(
                f"{model.name}: training needs an end-of-text id, config.json has none"
            )
        for shape in shapes:
            if shape.positions > model.config.max_length:
                raise ValueError(
                    f"shapes.positions must be at most the model's {model.config.max_length}, "
                    f"got {shape.positions}"
                )
        self._eos = model.specials.eos
        self._encoder, self._source = Encoder(model), source
        self._shapes, self._seed = shapes, seed
        weights = np.array([shape.weight for shape in shapes])
        self._shares = weights / weights.sum()

    def __call__(self, step: int) -> Batch:
        """The batch of a step."""
        random = np.random.default_rng([self._seed, step, _NO_SLOT])
        number = int(random.choice(len(self._shapes), p=self._shares))
        shape = self._shapes[number]
        generators = [np.random.default_rng([self._seed, step, j]) for j in range(shape.batch)]
        return self._lay_out(self._fitting(shape, generators), shape, number)

    def _fitting(self, shape: Shape, generators: Sequence[np.random.Generator]) -> list[Encoded]:
        """An example a generator; those that do not fit are drawn again, all together."""
        found: dict[int, Encoded] = {}
        for _ in range(TRIES):
            open_slots = [slot for slot in range(len(generators)) if slot not in found]
            if not open_slots:
                return [found[slot] for slot in range(len(generators))]
            drawn = [self._source(generators[slot]) for slot in open_slots]
            encoded = self._encoder.encode(drawn)
            found |= {s: e for s, e in zip(open_slots, encoded, strict=True) if _fits(e, shape)}
        raise ValueError(
            f"shape of {shape.positions} positions and {shape.answer} answer tokens: one of "
            f"{TRIES} examples drawn must fit, got none"
        )

    def _lay_out(self, encoded: Sequence[Encoded], shape: Shape, number: int) -> Batch:
        canvas = np.full((len(encoded), shape.positions), VOID, np.int32)
        for row, (prompt, answer) in zip(canvas, encoded, strict=True):
            row[: len(prompt)] = prompt
            row[len(prompt) : len(prompt) + shape.answer] = self._eos
            row[len(prompt) : len(prompt) + len(answer)] = answer
        start = np.array([len(prompt) for prompt, _ in encoded], np.int32)
        return Batch(canvas, start, number)


def _fits(encoded: Encoded, shape: Shape) -> bool:
    room = shape.positions - shape.answer
    return len(encoded.prompt) <= room and len(encoded.answer) + 1 <= shape.answer


class Feeder:
    """Makes the batches of steps ahead in a thread and counts how long they were waited for."""

    def __init__(self, make: Callable[[int], Batch], steps: range, ahead: int = 4) -> None:
        self._made: queue.Queue[Batch | Exception] = queue.Queue(ahead)
        self._stopped = threading.Event()
        self.waited = 0.0
        """Seconds that the device had nothing to do because no batch was there."""
        self._thread = threading.Thread(target=self._run, args=(make, steps), daemon=True)
        self._thread.start()

    def take(self, idle: Callable[[], object]) -> Batch:
        """The next batch. `idle` returns when the device has done all it was given."""
        if self._made.empty():
            idle()
            before = time.monotonic()
            item = self._made.get()
            self.waited += time.monotonic() - before
        else:
            item = self._made.get()
        if isinstance(item, Exception):
            raise item
        return item

    def close(self) -> None:
        """Ends the thread, unless its source hangs: then it ends with the process."""
        self._stopped.set()
        for _ in range(100):
            _drain(self._made)
            self._thread.join(0.05)
            if not self._thread.is_alive():
                return

    def _run(self, make: Callable[[int], Batch], steps: range) -> None:
        for item in _items(make, steps):
            if self._stopped.is_set():
                return
            self._made.put(item)


def _items(make: Callable[[int], Batch], steps: range) -> Iterator[Batch | Exception]:
    try:
        for step in steps:
            yield make(step)
    except Exception as error:  # handed to the loop, which raises it
        yield error


def _drain(made: queue.Queue) -> None:
    while not made.empty():
        made.get_nowait()
