"""Rollouts: every canvas on the way, what was written, groups, seeds."""

import numpy as np
import pytest

import dllm
from dllm.load import Model
from dllm.requests import ids_of
from dllm.rl import Question, RolloutSettings
from dllm.rl.items import pack, rounded
from dllm.rl.rollouts import Rollout, draw, lay_out, roll, seeds_of, transitions, window_of
from samplers import MASK, VOID
from tests.dllm.rl.runs import letters
from tests.dllm.train.runs import tiny

CHOSEN = RolloutSettings("ass", positions=12, answer=8, prompts=2, group=3, blocks=(1, 2, 5))
ASKED = [Question("abc"), Question("d")]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return tiny(tmp_path_factory.mktemp("rollouts") / "base")


def rolled(model: Model, number: int = 0, rule: str = "ass") -> Rollout:
    scheduler = dllm.rule(rule, ids=ids_of(model))
    return roll(model, scheduler, ASKED, CHOSEN, seeds_of(CHOSEN, 0, number))


def test_every_canvas_is_kept_and_what_was_written_on_it(model: Model) -> None:
    made = rolled(model)
    assert made.start.tolist() == [3, 3, 3, 1, 1, 1]
    assert made.steps.tolist() == made.forwards.tolist() == [3] * 6
    states = made.canvases
    assert states.shape == (6, 4, 12)
    holes = np.sum(states == MASK, axis=2)
    assert holes.tolist() == [[8, 7, 5, 0]] * 6
    found = transitions(made, 8)
    np.testing.assert_array_equal(found.canvas, states[:, :-1])
    assert found.written.sum(axis=2).tolist() == [[1, 2, 5]] * 6
    for row, start in enumerate(made.start):
        own = states[row, :, start : start + 8]
        np.testing.assert_array_equal(found.targets[row], own[1:])
        np.testing.assert_array_equal(found.written[row], own[1:] != own[:-1])
        assert np.all(states[row, :, start + 8 :] == VOID)


def test_answers_follow_from_their_seeds(model: Model) -> None:
    first, again, other = rolled(model), rolled(model), rolled(model, 1)
    np.testing.assert_array_equal(first.canvases, again.canvases)
    assert first.texts == again.texts
    assert np.any(first.canvases != other.canvases)
    groups = first.canvases[:, -1].reshape(2, 3, -1)
    assert all(len(np.unique(group, axis=0)) == 3 for group in groups)
    assert [question.prompt for question in first.questions] == ["abc"] * 3 + ["d"] * 3
    assert len(set(seeds_of(CHOSEN, 0, 0)) | set(seeds_of(CHOSEN, 1, 0))) == 12


def test_what_a_rule_writes_by_itself_is_nobodys_choice(model: Model) -> None:
    made = rolled(model)
    own = made._replace(chosen=made.chosen.copy())
    own.chosen[0, 4] = False
    before, after = transitions(made, 8).written, transitions(own, 8).written
    assert before.sum() - after.sum() == 1
    assert not after[0, :, 1].any()


def test_rows_of_few_transitions_are_packed_densely(model: Model) -> None:
    made = rolled(model)
    found = transitions(made, 8)
    counts = found.written.astype(np.float32) / 8
    counts[1:3, 1:], counts[4] = 0, 0  # 3 + 1 + 1 + 3 + 0 + 3 transitions
    items = pack(found, made.start, counts, np.arange(6.0), 4)
    assert items.canvas.shape == (3, 4, 12)
    flat = [leaf.reshape(12, *leaf.shape[2:]) for leaf in items]
    canvas, start, targets, kept, gains = flat
    assert gains.tolist() == [0, 0, 0, 1, 2, 3, 3, 3, 5, 5, 5, 0]
    assert kept.sum() == pytest.approx(counts.sum())
    assert not kept[-1].any()
    np.testing.assert_array_equal(canvas[1], made.canvases[0, 1])
    np.testing.assert_array_equal(targets[5], found.targets[3, 0])
    assert start.tolist() == [3] * 5 + [1] * 3 + [1] * 3 + [3]
    assert [rounded(number) for number in (1, 5, 8, 9, 33)] == [1, 5, 8, 10, 40]


def test_questions_that_do_not_fit_are_drawn_again(model: Model) -> None:
    narrow = RolloutSettings("ass", positions=10, answer=8, prompts=8)
    drawn = draw(model, letters, narrow, 0, 0)
    assert {len(question.prompt) for question in drawn} == {1, 2}
    assert drawn == draw(model, letters, narrow, 0, 0)
    assert drawn != draw(model, letters, narrow, 0, 1)
    with pytest.raises(ValueError, match="one of 200 prompts drawn must fit 10 positions"):
        draw(model, lambda random: Question("too long"), narrow, 0, 0)


def test_blocks(model: Model) -> None:
    whole = RolloutSettings("ass", positions=12, answer=8, prompts=1)
    for settings, expected in (
        (CHOSEN, [(1, 2), (2, 4), (4, 9)]),
        (whole, [(1, 9)]),
        (
            RolloutSettings("ass", positions=12, answer=8, prompts=1, block_length=4),
            [(1, 5), (5, 9)],
        ),
    ):
        (layout,) = lay_out(model, [Question("a")], settings, [0])
        assert layout.blocks == expected
    assert window_of(model, whole) == 8


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"group": 1}, "rollout.group must be at least 2, got 1"),
        ({"temperature": 0.0}, "rollout.temperature must be above 0, got 0.0"),
        ({"positions": 8}, "rollout.positions must be above answer, got 8"),
        ({"blocks": (4, 5)}, r"rollout.blocks must be lengths that add up to answer, 8, got \[4"),
        ({"blocks": (8,), "block_length": 8}, "rollout.blocks must be left out beside block_len"),
    ],
)
def test_bad_settings(changed: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        RolloutSettings(
            **{"scheduler": "ass", "positions": 12, "answer": 8, "prompts": 1, **changed}
        )
