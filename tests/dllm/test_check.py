"""The contract checker names the clause that a rule breaks."""

from typing import Any

import jax
import jax.numpy as jnp
import pytest

import dllm
from tests.rules import TakesBack


class Base:
    """A sound rule to break one thing of: writes the surest token."""

    def update(self, key: Any, state: Any, canvas: Any, prediction: Any, place: Any) -> Any:
        chosen = self.choose(canvas, prediction, place)
        after = dllm.write(canvas, prediction.tokens, chosen)
        return dllm.Move(after, state, dllm.filled(after, place))

    def choose(self, canvas: Any, prediction: Any, place: Any) -> Any:
        open_ = dllm.eligible(canvas, prediction, place)
        return open_ & (dllm.rank(prediction.log_confidence, open_) == 0)


@dllm.scheduler
class Sound(Base):
    weight: float = 0.5


class Undecorated(Base):
    def init(self, canvas: Any) -> Any:
        return ()


@dllm.scheduler
class TextLeaf(Base):
    name: Any = None


@dllm.scheduler
class Branches(Base):
    weight: float = 0.5

    def choose(self, canvas: Any, prediction: Any, place: Any) -> Any:
        return super().choose(canvas, prediction, place) if self.weight > 0.2 else None


@dllm.scheduler
class FloatCanvas(Base):
    def update(self, key: Any, state: Any, canvas: Any, prediction: Any, place: Any) -> Any:
        move = super().update(key, state, canvas, prediction, place)
        return move._replace(canvas=move.canvas.astype(jnp.float32))


@dllm.scheduler
class Tuple(Base):
    def update(self, key: Any, state: Any, canvas: Any, prediction: Any, place: Any) -> Any:
        return tuple(super().update(key, state, canvas, prediction, place))


@dllm.scheduler
class GrowingState(Base):
    def init(self, canvas: Any) -> Any:
        return jnp.int32(0)

    def update(self, key: Any, state: Any, canvas: Any, prediction: Any, place: Any) -> Any:
        return super().update(key, state + 0.5, canvas, prediction, place)


@dllm.scheduler
class ManyDone(Base):
    def update(self, key: Any, state: Any, canvas: Any, prediction: Any, place: Any) -> Any:
        move = super().update(key, state, canvas, prediction, place)
        return move._replace(done=move.canvas >= 0)


@dllm.scheduler
class Everywhere(Base):
    def choose(self, canvas: Any, prediction: Any, place: Any) -> Any:
        return canvas == dllm.MASK


@dllm.scheduler
class PastTheEnd(Base):
    def update(self, key: Any, state: Any, canvas: Any, prediction: Any, place: Any) -> Any:
        move = super().update(key, state, canvas, prediction, place)
        return move._replace(canvas=jnp.where(canvas == dllm.VOID, 3, move.canvas))


@dllm.scheduler
class ForgetsPrompt(Base):
    def update(self, key: Any, state: Any, canvas: Any, prediction: Any, place: Any) -> Any:
        move = super().update(key, state, canvas, prediction, place)
        first = jnp.arange(canvas.shape[0]) == 0
        return move._replace(canvas=jnp.where(first, dllm.MASK, move.canvas))


@dllm.scheduler
class NeverDone(Base):
    def update(self, key: Any, state: Any, canvas: Any, prediction: Any, place: Any) -> Any:
        move = super().update(key, state, canvas, prediction, place)
        return move._replace(done=jnp.bool_(False))


@dllm.scheduler
class LooksAtLength(Base):
    def choose(self, canvas: Any, prediction: Any, place: Any) -> Any:
        chosen = super().choose(canvas, prediction, place)
        open_ = dllm.eligible(canvas, prediction, place)
        return chosen | open_ if canvas.shape[0] > 40 else chosen


@dllm.scheduler
class DrawsByShape(Base):
    def update(self, key: Any, state: Any, canvas: Any, prediction: Any, place: Any) -> Any:
        open_ = dllm.eligible(canvas, prediction, place)
        draws = jax.random.permutation(key, canvas.shape[0]).astype(jnp.float32)
        after = dllm.write(canvas, prediction.tokens, open_ & (dllm.rank(draws, open_) == 0))
        return dllm.Move(after, state, dllm.filled(after, place))


@pytest.mark.parametrize("rule", [Sound, TakesBack(9)])
def test_sound_rules_pass(rule: Any) -> None:
    report = dllm.check(rule)
    assert list(report.clauses) == [
        "pytree",
        "shapes",
        "writes",
        "progress",
        "drafts",
        "rows",
        "trace",
    ]
    assert "all 7 clauses hold" in str(report)


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (Undecorated, "Undecorated breaks clause 'pytree': it is no pytree; decorate the class"),
        (TextLeaf("abc"), "TextLeaf breaks clause 'pytree': leaf 'abc' is no number or array"),
        (Branches, "Branches breaks clause 'shapes': TracerBoolConversionError while tracing"),
        (FloatCanvas, r"'shapes': the canvas must stay int32\[8\], got float32\[8\]"),
        (Tuple, r"'shapes': update must return dllm.Move\(canvas, state, done\), got tuple"),
        (GrowingState, r"'shapes': the state must keep .*: int32\[\] became float32\[\]"),
        (ManyDone, r"'shapes': done must be one bool, got bool\[8\]"),
        (Everywhere, "'writes': it wrote where prediction.seen or prediction.allowed is false"),
        (PastTheEnd, r"'writes': it wrote where the row does not exist \(VOID\): position 32"),
        (ForgetsPrompt, "'writes': it rewrote the prompt: position 0"),
        (NeverDone, "'progress': row 0 ended OUT_OF_STEPS after 320 steps with 16 undecided"),
        (LooksAtLength, "'rows': on a longer canvas, row 0 has"),
        (DrawsByShape, "'rows': on a longer canvas, row 0 has"),
    ],
)
def test_broken_clauses_are_named(rule: Any, message: str) -> None:
    with (
        jax.numpy_dtype_promotion("standard"),
        pytest.raises(dllm.ContractError, match=message) as caught,
    ):
        dllm.check(rule)
    assert isinstance(caught.value, ValueError)
    assert caught.value.clause in message
