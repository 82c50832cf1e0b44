"""The loss on examples that are not learnt from."""

from functools import partial

import jax
from jaxtyping import Array, Int

from dllm.load import Model
from dllm.models.network import Network
from dllm.train.batches import Maker
from dllm.train.data import Source
from dllm.train.objective import Guess, corrupt, guess
from dllm.train.settings import ObjectiveSettings, Settings


class HeldOut:
    """An `evaluate` for `train`: loss and accuracy on fixed batches under fixed masks."""

    def __init__(self, settings: Settings, source: Source, batches: int = 8) -> None:
        self._settings, self._source, self._batches = settings, source, batches
        self._maker: Maker | None = None

    def __call__(self, _: int, model: Model) -> dict[str, float]:
        """What the model loses on them."""
        run, shapes = self._settings.run, self._settings.shapes
        self._maker = self._maker or Maker(model, self._source, shapes, run.seed)
        loss = correct = masked = 0.0
        for number in range(self._batches):
            batch = self._maker(number)
            answer, objective = shapes[batch.shape].answer, self._settings.objective
            guessed = _measure(model.network, batch.canvas, batch.start, number, answer, objective)
            loss += float(guessed.loss) / self._batches
            correct, masked = correct + float(guessed.correct), masked + float(guessed.masked)
        return {"loss": loss, "accuracy": correct / masked}


@partial(jax.jit, static_argnums=(4, 5))
def _measure(
    network: Network,
    canvas: Int[Array, "rows positions"],
    start: Int[Array, " rows"],
    number: Int[Array, ""],
    answer: int,
    objective: ObjectiveSettings,
) -> Guess:
    key = jax.random.fold_in(jax.random.key(0, impl="threefry2x32"), number)
    return guess(network, corrupt(key, canvas, start, answer, objective))
