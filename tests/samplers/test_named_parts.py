"""Parts of the rules with papers of their own, and how they join others."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import dllm
from dllm.toy import random_chain
from samplers import combine, part
from samplers.dilated import Dilated
from samplers.distributions import reread
from samplers.eoser import Eoser
from samplers.fastdream import FirstAlone
from samplers.klass import Klass
from samplers.localleap import near
from samplers.maskgit import MODES, floor_product, share_table
from samplers.overrides import EarlyExit
from samplers.parts import needs
from samplers.prophet import AnswerKnown, CommitWhen
from samplers.scores import Confidence
from samplers.selections import Threshold, TopK
from samplers.stops import AnyOf
from tests.reference import selections
from tests.replay.units import view_of

VOCAB = 16
CHAIN = random_chain(0, VOCAB)
ROWS = dllm.rows([[1, 2], [3]], 12, 6, seed=3)


def _decode(rule: Any, rows: dllm.Rows = ROWS, **options: Any) -> dllm.Decoded:
    return jax.device_get(dllm.decode(CHAIN, rows, rule, record=24, **options))


@part
class After:
    """A stop after so many steps of the row."""

    steps: Any

    def __call__(self, view: Any, canvas: Any) -> Any:
        return view.place.total + 1 >= self.steps


@part
class Unchanged:
    """A revision that revises nothing."""

    needs = frozenset({"own"})

    def __call__(self, view: Any) -> Any:
        return view.prediction


@part
class Zeros:
    """A revision by which token 0 is certain everywhere, and a memory of how often it was asked."""

    def init(self, canvas: Any) -> Any:
        return jnp.int32(0)

    def __call__(self, memory: Any, view: Any) -> Any:
        shown = view.prediction
        tokens, sure = jnp.zeros_like(shown.tokens), jnp.zeros_like(shown.log_confidence)
        return shown._replace(tokens=tokens, log_confidence=sure), memory + 1


def test_a_revision_comes_before_everything_else() -> None:
    ended = _decode(combine(select=Threshold(), revise=Zeros()))
    assert set(ended.canvas[0, 2:].tolist()) == {0}
    assert ended.forwards.tolist() == [2, 2]
    assert needs(combine(revise=Unchanged(), reach="before")) == {"own", "canvas"}


def test_stops_add_up_and_spend_no_reference_calls() -> None:
    few, many = After(jnp.int32(3)), After(jnp.int32(5))
    rule = combine(rule=dllm.rule("llada", steps=48), stop=[many, few])
    assert _decode(rule, reference_calls=True).forwards.tolist() == [4, 4]
    assert combine(stop=[few]) == combine(stop=few)
    assert AnyOf((CommitWhen(few), few)).needs == {"canvas"}


def test_an_early_commit_keeps_what_the_rule_took_back() -> None:
    """All at once after three steps, in blocks that are still to come as well."""
    now, rule = After(jnp.int32(3)), dllm.rule("rcr", steps=12, blocks=2, reach="before")
    ended = _decode(combine(rule=rule, override=CommitWhen(now), stop=now))
    assert ended.forwards.tolist() == [3, 3]
    assert ended.outcome.tolist() == [dllm.Outcome.FILLED] * 2
    before = ended.trajectory[:, 2]
    np.testing.assert_array_equal(before[before >= 0], ended.canvas[before >= 0])


def test_prophet_looks_at_each_rows_own_answer() -> None:
    options = {"answer_length": 2, "max_steps": 12, "early": 1.5, "mid": 1.0, "late": 0.5}
    near_, far = (
        _decode(dllm.rule("confidence+prophet", answer_start=start, **options)) for start in (8, 12)
    )
    assert near_.forwards[0] != near_.forwards[1]
    assert near_.outcome.tolist() == [dllm.Outcome.FILLED] * 2
    assert far.forwards.tolist() == [12, 12]  # the row has no such positions


def test_prophet_finds_the_answer_behind_a_text() -> None:
    """Behind the first place where all of it stands, not in the prompt, and decided or not."""
    canvas = jnp.asarray([4, 5, dllm.MASK, 4, 4, 5, dllm.MASK, 4, 5, 1])
    gap = jnp.zeros(10).at[6:8].set(9.0)
    for prompt, suffix, exits in (
        (2, (4, 5), True),
        (0, (4, 5), False),
        (5, (4, 5), False),  # a single position is left there, and without a gap
        (2, (4, 6), False),
        (2, (1, 4), False),  # not across the end
    ):
        view = view_of(np.ones(10, bool), 99, prompt=prompt)
        shown = view._replace(canvas=canvas, prediction=view.prediction._replace(gap=gap))
        known = AnswerKnown(0, 2, 100, suffix=suffix)
        assert bool(known(shown, canvas)) == exits, (prompt, suffix)
    assert dllm.rule("confidence+prophet", answer_start=0, suffix=[4, 5]) is not None


def test_block_stop_leaves_the_block_as_it_is() -> None:
    plain = _decode(dllm.rule("confidence"))
    eos = int(plain.canvas[0, 4])
    ended = _decode(dllm.rule("confidence+block_stop", eos=eos))
    assert ended.canvas[0, :8].tolist() == plain.canvas[0, :8].tolist()
    assert set(ended.canvas[0, 8:14].tolist()) == {eos}
    assert ended.forwards[0] == 6


@pytest.mark.parametrize("token", [7, 9])
def test_early_exit_needs_a_whole_block(token: int) -> None:
    view, exits = view_of(np.ones(4, bool), end=2), EarlyExit(7, 9)
    filled, mixed, elsewhere = ([token, token], [token, 3], [token, dllm.MASK])
    behind = [5, dllm.MASK, dllm.VOID]
    found = exits(view, jnp.asarray([*filled, *behind]))
    assert found.tolist() == [token] * 4 + [dllm.VOID]
    for block in (mixed, elsewhere):
        assert exits(view, jnp.asarray([*block, *behind])).tolist() == [*block, *behind]


def test_near_is_measured_along_the_row() -> None:
    anchors = np.zeros(9, bool)
    anchors[[1, 7]] = True
    for radius, expected in ((0, [1, 7]), (1, [0, 1, 2, 6, 7, 8]), (9, list(range(9)))):
        assert np.flatnonzero(near(jnp.asarray(anchors), radius)).tolist() == expected
    assert not np.any(near(jnp.zeros(9, bool), 3))


_left = jax.jit(jax.vmap(floor_product, in_axes=(0, None)))


@pytest.mark.parametrize("mode", MODES)
def test_products_round_as_in_double_precision(mode: str) -> None:
    random = np.random.default_rng(0)
    for steps in (1, 3, 7, 24, 49, 100, 128, 1000, 1100):
        table = share_table(steps, mode)
        for step in {0, steps // 3, steps // 2, 2 * steps // 3, steps - 1}:
            numbers = random.integers(0, 8192, 300)
            numbers[:50] = np.minimum(steps * np.arange(50), 8191)
            left = _left(jnp.asarray(numbers, jnp.int32), jnp.asarray(table[step]))
            expected = [selections.maskgit_left(int(n), steps, step, mode) for n in numbers]
            assert left.tolist() == expected


def test_rcr_takes_back_and_ends_filled() -> None:
    expected = [selections.maskgit_left(6, 6, step) for step in range(-1, 5)]
    for reach in ("block", "before"):
        ended = _decode(dllm.rule("rcr", steps=12, blocks=2, reach=reach))
        assert ended.outcome.tolist() == [dllm.Outcome.FILLED] * 2
        assert (ended.trajectory[0, :6, 2:8] < 0).sum(-1).tolist() == expected
        changed = ended.trajectory[0, :5] != ended.trajectory[0, 1:6]
        assert np.any(changed & (ended.trajectory[0, :5] >= 0))
    spent = _decode(dllm.rule("rcr", steps=12, blocks=2, reach="before"), reference_calls=True)
    np.testing.assert_array_equal(ended.canvas, spent.canvas)


def test_remdm_waits_for_its_extra_steps() -> None:
    """Also where the block is filled long before: the tokens are those of the published loop."""
    ended = _decode(dllm.rule("remdm", steps=24, remdm_steps=2, remdm_number=2))
    assert ended.forwards.tolist() == [24 + 2 * 2] * 2
    holes = (ended.trajectory[0, :14, 2:8] < 0).sum(-1)
    assert holes.tolist() == [6, 5, 4, 3, 2, 3, 3, 1, 0, 0, 0, 0, 0, 0]


def test_carried_over_budget_ends_filled() -> None:
    for steps in (1, 3, 5, 12):
        ended = _decode(dllm.rule("threshold_dream", steps=steps, threshold=1.0))
        assert ended.outcome.tolist() == [dllm.Outcome.FILLED] * 2
        assert ended.forwards.tolist() == [12] * 2
        free = _decode(dllm.rule("threshold_dream", steps=steps, threshold=0.0))
        assert free.forwards.tolist() == [max(steps, 2)] * 2 if steps in (1, 12) else True


def test_first_alone_is_what_it_holds() -> None:
    once = FirstAlone(Threshold(0.0))
    assert (once.budgeted, once.reads) == (False, "probabilities")
    assert (FirstAlone(TopK()).budgeted, FirstAlone(TopK()).reads) == (True, "order")
    assert FirstAlone(Klass(VOCAB)).needs == {"canvas", "log_probs"}
    for step, expected in ((0, [2]), (1, [2, 3, 4])):
        view = view_of(np.arange(5) >= 2, step, start=2)
        chosen, _ = once((), view, jnp.zeros(5), jnp.int32(1))
        assert np.flatnonzero(chosen & view.eligible).tolist() == expected


def test_ascending_in_blocks_of_any_length() -> None:
    """Steps 1, 2, then all that are left of a block: each block is entered with the row's count."""
    assert _decode(dllm.rule("ass")).forwards.tolist() == [4, 4]


def test_eoser_names_differ_from_the_second_block_on() -> None:
    """Step 2 of 5 of the block is step 3 of the row."""
    view = view_of(np.ones(4, bool), 2, total=3)
    for ramp, risen in (("row", 3 / 4), ("block", 2 / 4)):
        assert float(Eoser(Confidence(), 0, 5, ramp=ramp).risen(view)) == risen


def test_reread_reads_as_the_model_is_read() -> None:
    random = np.random.default_rng(0)
    logits = jnp.asarray(
        np.concatenate([random.normal(size=(5, 9)), 30 * np.eye(9)[:2]]), jnp.float32
    )
    zeros = jnp.zeros(7)
    seen = jnp.arange(7) != 4
    blank = dllm.Prediction(
        jnp.zeros(7, jnp.int32), zeros, zeros, zeros, zeros, seen, seen, jnp.zeros((7, 9))
    )
    shown = reread(blank, logits)
    p = np.asarray(jax.nn.softmax(logits))
    open_ = np.asarray(seen)
    first, second = np.sort(p)[:, [-1, -2]].T
    entropy = -np.sum(p * np.log(p), axis=-1)
    for got, wanted in (
        (shown.tokens, p.argmax(-1)),
        (shown.confidence, first),
        (shown.margin, first - second),
        (shown.gap, np.log(first / second)),
        (shown.entropy, entropy),
        (jnp.exp(jnp.asarray(shown.log_probs)), p),
    ):
        np.testing.assert_allclose(np.asarray(got)[open_], wanted[open_], rtol=2e-5, atol=1e-7)
    assert shown.gap[4] == 0
    assert -1e-11 < shown.log_confidence[5] < 0


def test_slowfast_goes_on_where_a_constraint_opened_late() -> None:
    """Positions behind the stretch in hand are still written."""

    @part
    class OpensLate:
        def allowed(self, canvas: Any) -> Any:
            open_ = (jnp.arange(canvas.shape[0]) != 3) | (canvas[13] >= 0)
            return jnp.broadcast_to(open_[:, None], (canvas.shape[0], VOCAB))

    rows = dllm.rows([[1, 2]], 12)
    ended = _decode(dllm.rule("slowfast"), rows, constraint=OpensLate())
    assert ended.outcome.tolist() == [dllm.Outcome.FILLED]


def test_dilated_strides() -> None:
    for base, length, expected in ((2, 8, [4, 2, 1, 1]), (2, 12, [6, 3, 1]), (3, 10, [3, 1, 1])):
        views = [view_of(np.ones(length, bool), step) for step in range(len(expected))]
        assert [int(Dilated(base).stride(view.place)) for view in views] == expected
