"""Schedulers for tests: every named rule, one that takes tokens back, one with a history."""

from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array

import dllm
from samplers.base import LOG_ZERO


@dllm.scheduler
class TakesBack:
    """Writes the two surest tokens and takes back the least sure one written before (as RCR)."""

    steps: int = 12

    def init(self, canvas: Array) -> Array:
        """The log confidence that each position was written with."""
        return jnp.zeros(canvas.shape[0], jnp.float32)

    def plan(self, place: dllm.Place) -> Any:
        return jnp.asarray(self.steps, jnp.int32)

    def update(
        self, key: Any, state: Array, canvas: Array, prediction: dllm.Prediction, place: dllm.Place
    ) -> dllm.Move:
        at = jnp.arange(canvas.shape[0])
        inside = (at >= place.start) & (at < place.end)
        decided = inside & (canvas >= 0)
        last = place.step + 1 >= jnp.asarray(self.steps)
        weakest = dllm.rank(-state, decided) == 0
        taken = jnp.where(decided & weakest & (place.step % 3 == 2) & ~last, dllm.MASK, canvas)
        open_ = dllm.eligible(canvas, prediction, place)
        few = dllm.rank(prediction.log_confidence, open_) < 2
        chosen = open_ & (few | last)
        state = jnp.where(chosen, prediction.log_confidence, state)
        after = dllm.write(taken, prediction.tokens, chosen)
        return dllm.Move(after, state, dllm.filled(after, place) & (last | (place.step % 3 != 2)))


class Seen(NamedTuple):
    """What the model said last."""

    tokens: Array
    log_confidence: Array


@dllm.scheduler
class Steady:
    """Writes what two forwards agree on and is getting surer, else the surest (as KLASS)."""

    least: float = 0.2

    def init(self, canvas: Array) -> Seen:
        return Seen(jnp.full_like(canvas, dllm.MASK), jnp.full(canvas.shape, LOG_ZERO))

    def update(
        self, key: Any, state: Seen, canvas: Array, prediction: dllm.Prediction, place: dllm.Place
    ) -> dllm.Move:
        open_ = dllm.eligible(canvas, prediction, place)
        surer = prediction.log_confidence >= state.log_confidence
        steady = (prediction.tokens == state.tokens) & surer & (prediction.confidence > self.least)
        best = dllm.rank(prediction.log_confidence, open_) == 0
        after = dllm.write(canvas, prediction.tokens, open_ & (steady | best))
        seen = Seen(
            jnp.where(prediction.seen, prediction.tokens, state.tokens),
            jnp.where(prediction.seen, prediction.log_confidence, state.log_confidence),
        )
        return dllm.Move(after, seen, dllm.filled(after, place))


EOS = 3

RULES: dict[str, dllm.Scheduler] = {
    "confidence": dllm.rule("confidence", tokens=2),
    "left_to_right": dllm.rule("left_to_right"),
    "random": dllm.rule("random", tokens=2),
    "threshold": dllm.rule("threshold", threshold=0.6),
    "factor": dllm.rule("factor"),
    "factor_published": dllm.rule("factor_published"),
    "margin+llada": dllm.rule("margin+llada", steps=24),
    "entropy+dream": dllm.rule("entropy+dream", steps=8),
    "dream at random": dllm.rule("dream", steps=8, alg_temp=0.5),
    "origin": dllm.rule("origin", steps=8),
    "threshold+early_stop": dllm.rule("threshold+early_stop", threshold=0.4, eos=EOS),
    "takes back": TakesBack(),
    "history": Steady(),
}
