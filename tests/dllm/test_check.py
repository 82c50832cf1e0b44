"""The contract checker names the clause that a rule breaks."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import dllm
from dllm.check import CLAUSES
from dllm.scenes import LENGTH, step_limit
from tests.rules import RULES, TakesBack


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


@dllm.scheduler
class WritesConstant(Base):
    def update(self, key: Any, state: Any, canvas: Any, prediction: Any, place: Any) -> Any:
        after = jnp.where(canvas == dllm.MASK, 7, canvas)
        return dllm.Move(after, state, dllm.filled(after, place))


@dllm.scheduler
class ClipsTokens(Base):
    """Writes forbidden and unseen holes, with tokens made presentable."""

    def update(self, key: Any, state: Any, canvas: Any, prediction: Any, place: Any) -> Any:
        inside = jnp.arange(canvas.shape[0]) < place.end
        hole = (canvas == dllm.MASK) & inside
        after = dllm.write(canvas, jnp.minimum(prediction.tokens, 15), hole)
        return dllm.Move(after, state, dllm.filled(after, place))


@dllm.scheduler
class BeyondTheVocabulary(Base):
    def update(self, key: Any, state: Any, canvas: Any, prediction: Any, place: Any) -> Any:
        open_ = dllm.eligible(canvas, prediction, place)
        after = dllm.write(canvas, prediction.tokens + 1000, open_)
        return dllm.Move(after, state, dllm.filled(after, place))


@dllm.scheduler
class ReadsUnseen(Base):
    """Writes where it may, but by what is proposed where it may not."""

    def choose(self, canvas: Any, prediction: Any, place: Any) -> Any:
        open_ = dllm.eligible(canvas, prediction, place)
        even = jnp.sum(prediction.tokens) % 2 == 0
        return open_ & (even | (dllm.rank(prediction.log_confidence, open_) == 0))


@dllm.scheduler
class CopiesLeft(Base):
    """Fills forbidden holes with their left neighbour, which ends nothing."""

    def update(self, key: Any, state: Any, canvas: Any, prediction: Any, place: Any) -> Any:
        move = super().update(key, state, canvas, prediction, place)
        left = jnp.roll(move.canvas, 1)
        at = jnp.arange(canvas.shape[0])
        forbidden = (at >= place.start) & (at < place.end) & ~prediction.allowed
        fill = forbidden & (move.canvas == dllm.MASK) & (left >= 0)
        return move._replace(canvas=jnp.where(fill, left, move.canvas))


@dllm.scheduler
class CutsShort(Base):
    """After the first token 3 of the answer the row does not exist."""

    def update(self, key: Any, state: Any, canvas: Any, prediction: Any, place: Any) -> Any:
        move = super().update(key, state, canvas, prediction, place)
        at = jnp.arange(canvas.shape[0])
        first = jnp.min(jnp.where((move.canvas == 3) & (at >= place.prompt), at, 10**6))
        after = jnp.where(at > first, dllm.VOID, move.canvas)
        return move._replace(canvas=after, done=dllm.filled(after, place))


@dllm.scheduler
class EndsItsBlock(Base):
    """After the first token 3 in the block, the rest of the block is 3."""

    def update(self, key: Any, state: Any, canvas: Any, prediction: Any, place: Any) -> Any:
        move = super().update(key, state, canvas, prediction, place)
        at = jnp.arange(canvas.shape[0])
        inside = (at >= place.start) & (at < place.end)
        first = jnp.min(jnp.where(inside & (move.canvas == 3), at, 10**6))
        after = jnp.where(inside & (at > first), 3, move.canvas)
        return move._replace(canvas=after, done=dllm.filled(after, place))


@dllm.scheduler
class ForgetsPromptLater(Base):
    def update(self, key: Any, state: Any, canvas: Any, prediction: Any, place: Any) -> Any:
        move = super().update(key, state, canvas, prediction, place)
        now = (jnp.arange(canvas.shape[0]) == 0) & (place.total == 3)
        return move._replace(canvas=jnp.where(now, 9, move.canvas))


@dllm.scheduler
class RanksAllHoles(Base):
    """Ranks over holes and asks afterwards whether the surest may be written."""

    def choose(self, canvas: Any, prediction: Any, place: Any) -> Any:
        at = jnp.arange(canvas.shape[0])
        hole = (canvas == dllm.MASK) & (at >= place.start) & (at < place.end)
        best = dllm.rank(prediction.log_confidence, hole) == 0
        return best & hole & prediction.seen & prediction.allowed


@dllm.scheduler
class RanksAllHolesOnSchedule(RanksAllHoles):
    """Does the same, but leaves when its schedule ends."""

    def plan(self, place: Any) -> Any:
        return place.end - place.start

    def update(self, key: Any, state: Any, canvas: Any, prediction: Any, place: Any) -> Any:
        move = super().update(key, state, canvas, prediction, place)
        return move._replace(done=move.done | (place.step + 1 >= self.plan(place)))


@dllm.scheduler
class Fidgets(Base):
    """Takes a token back and writes it again for as long as the block is not filled."""

    def update(self, key: Any, state: Any, canvas: Any, prediction: Any, place: Any) -> Any:
        move = super().update(key, state, canvas, prediction, place)
        at = jnp.arange(canvas.shape[0])
        open_ = jnp.any(dllm.eligible(canvas, prediction, place))
        back = ~open_ & ~move.done & (at == place.start)
        return move._replace(canvas=jnp.where(back, dllm.MASK, move.canvas))


@dllm.scheduler
class LeavesAtOnce(Base):
    def update(self, key: Any, state: Any, canvas: Any, prediction: Any, place: Any) -> Any:
        return dllm.Move(canvas, state, jnp.bool_(True))


@dllm.scheduler
class PlansManyBlocks(Base):
    def plan(self, place: Any) -> Any:
        return jnp.zeros(3, jnp.int32)


@dllm.scheduler
class PlansHalfSteps(Base):
    def plan(self, place: Any) -> Any:
        return 2.5


@dllm.scheduler
class KeyInState(Base):
    def init(self, canvas: Any) -> Any:
        return jax.random.key(0)


@dllm.scheduler
class StaticNumber(Base):
    ratio: float = dllm.static(default=10.0)


@dllm.scheduler
class StaticCount(Base):
    """Its number could well be traced."""

    few: int = dllm.static(default=2)

    def choose(self, canvas: Any, prediction: Any, place: Any) -> Any:
        open_ = dllm.eligible(canvas, prediction, place)
        return open_ & (dllm.rank(prediction.log_confidence, open_) < self.few)


@dllm.scheduler
class StaticSize(Base):
    """Remembers the last few canvases; how many is a shape."""

    size: int = dllm.static(default=2)

    def init(self, canvas: Any) -> Any:
        return jnp.zeros((self.size, canvas.shape[0]), jnp.int32)


@dllm.scheduler
class TableOfItsSteps(Base):
    """Computes a table from a hyper-parameter, as long as its value."""

    steps: int = 3
    table: Any = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "table", np.ones(self.steps, np.float32))


@dllm.scheduler
class ModeOfItsWeight(Base):
    weight: float = 0.3
    heavy: bool = dllm.static(default=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "heavy", self.weight >= 0.3)


def _two_steps(view: Any, canvas: Any) -> Any:
    return view.place.step >= 1


@pytest.mark.parametrize(
    "rule",
    [
        Sound,
        TakesBack(9),
        pytest.param(KeyInState, marks=pytest.mark.slow),
        pytest.param(RULES["threshold+early_stop"], marks=pytest.mark.slow),
    ],
)
def test_sound_rules_pass(rule: Any) -> None:
    report = dllm.check(rule)
    assert list(report.clauses) == [
        "pytree",
        "shapes",
        "trace",
        "writes",
        "progress",
        "drafts",
        "rows",
    ]
    assert "all 7 clauses hold" in str(report)


def test_leaving_early_is_told_and_no_break() -> None:
    progress = CLAUSES["progress"]
    found = progress(dllm.combine(stop=_two_steps))
    assert "4 with undecided positions, because it leaves blocks that are not filled" in found
    assert "undecided" not in progress(Sound())


@pytest.mark.parametrize("rule", [CutsShort(), EndsItsBlock(), dllm.rule("dus+block_stop", eos=3)])
def test_an_answer_may_be_cut_short(rule: Any) -> None:
    assert CLAUSES["writes"](rule) == "24 random scenes and a small decode"


def test_every_number_is_varied() -> None:
    trace = CLAUSES["trace"]
    found = trace(dllm.rule("dream+early_stop", steps=8, alg_temp=0.5, eos=3))
    varied = "rule.score.temperature, rule.budget.steps, overrides[0].eos, overrides[0].after"
    assert found == f"one program for all values of {varied}"
    assert trace(StaticSize()).endswith("; compiled in: size")


def test_a_long_schedule_is_given_its_time() -> None:
    assert step_limit(dllm.rule("llada", steps=2000)) >= 2000
    assert step_limit(dllm.rule("confidence")) == 8 * LENGTH


def test_options_belong_to_names_and_classes() -> None:
    assert dllm.check(Sound, weight=0.25).rule == "Sound"
    with pytest.raises(
        TypeError, match=r"check: options make .* but Sound\(…\) is an instance; got"
    ):
        dllm.check(Sound(0.5), weight=0.25, nonsense=1)


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (
            Undecorated,
            "'pytree': the rule Undecorated is no pytree; decorate the class Undecorated",
        ),
        (TextLeaf("abc"), "'pytree': the rule TextLeaf.name is 'abc', no number or array; declare"),
        (Branches, "Branches breaks clause 'shapes': TracerBoolConversionError while tracing"),
        (FloatCanvas, r"'shapes': the canvas must stay int32\[8\], got float32\[8\]"),
        (Tuple, r"'shapes': update must return dllm.Move\(canvas, state, done\), got tuple"),
        (GrowingState, r"'shapes': the state must keep .*: int32\[\] became float32\[\]"),
        (ManyDone, r"'shapes': done must be one bool, got bool\[8\]"),
        (Everywhere, "'writes': it wrote where prediction.seen or prediction.allowed is false"),
        (PlansManyBlocks, r"'shapes': plan must return one whole number, got int32\[3\]"),
        (PlansHalfSteps, r"'shapes': plan must return one whole number, got float32\[\]"),
        (WritesConstant, "'writes': it wrote where prediction.seen or prediction.allowed is false"),
        (ClipsTokens, "'writes': it wrote where prediction.seen or prediction.allowed is false"),
        (CopiesLeft, "'writes': it wrote where prediction.seen or prediction.allowed is false"),
        (
            ReadsUnseen,
            "'writes': what it writes depends on prediction.tokens where prediction.seen",
        ),
        (
            BeyondTheVocabulary,
            r"'writes': it wrote a value that is no token \(of 16 in this scene\)",
        ),
        (ForgetsPromptLater, "'writes': it rewrote the prompt: position 0, from 1 to 9"),
        (PastTheEnd, r"'writes': it wrote where the row does not exist \(VOID\): position 32"),
        (ForgetsPrompt, "'writes': it rewrote the prompt: position 0"),
        (NeverDone, "'progress': row 0 ended OUT_OF_STEPS after 320 steps with 16 undecided"),
        (
            LeavesAtOnce,
            "'progress': row 0 ended OUT_OF_STEPS after 3 steps and nothing was written",
        ),
        (
            RanksAllHoles,
            r"'progress': with a constraint .* row 0 never wrote position \d+, where pre",
        ),
        (
            RanksAllHolesOnSchedule,
            r"'progress': with a constraint .* never wrote position \d+, where",
        ),
        (Fidgets, "'progress': with a constraint .* row 0 was still changing its canvas after 320"),
        (
            StaticNumber,
            r"'trace': the static field ratio is a number \(10.0\), so that each of its",
        ),
        (
            StaticCount,
            r"'trace': the static field few is a number \(2\), so that each of its values",
        ),
        (
            TableOfItsSteps,
            "'trace': another value of steps traced it again; nothing static, no shape",
        ),
        (
            ModeOfItsWeight,
            "'trace': another value of weight traced it again; nothing static, no sha",
        ),
        pytest.param(
            LooksAtLength, "'rows': on a longer canvas, row 0 has", marks=pytest.mark.slow
        ),
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
