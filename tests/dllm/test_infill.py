"""Templates with holes."""

from typing import Any

import pytest

import dllm
from dllm.infill import plan
from tests.models import small

MODEL = small()
HOLES = ["The ", dllm.Hole(8), " sat on ", dllm.Hole(3), "."]


def test_fills_every_hole_and_nothing_else() -> None:
    filled = dllm.infill(MODEL, HOLES, temperature=1.0, seed=3)
    assert len(filled.holes) == 2
    assert filled.text == f"The {filled.holes[0]} sat on {filled.holes[1]}."
    assert filled.outcome == "filled"
    assert len(filled.tokens) == len(filled.log_probs) == 11
    assert not set(filled.tokens) & set(MODEL.specials.ids)
    assert filled.tokens_per_step == pytest.approx(11 / filled.forwards)


def test_texts_say_the_same() -> None:
    text = "The {{8}} sat on {{ 3 }}."
    assert dllm.parse_template(text) == HOLES
    assert dllm.infill(MODEL, text) == dllm.infill(MODEL, HOLES)


def test_templates_do_not_touch_each_other() -> None:
    templates = [HOLES, "{{5}} is short", "a{{1}}b{{2}}c{{3}}d", "{{16}}"]
    together = dllm.infill(MODEL, templates, temperature=1.0, batch=2, num_drafts=2)
    for number, template in enumerate(templates):
        alone = dllm.infill(MODEL, template, temperature=1.0, seed=number)
        assert (together[number].text, together[number].tokens) == (alone.text, alone.tokens)


def test_holes_may_be_cut_into_blocks() -> None:
    filled = dllm.infill(MODEL, "{{8}} x {{4}}", block_length=4, trajectory=True)
    order = [int((frame != dllm.MASK).sum()) for frame in filled.trajectory]
    assert order == sorted(order)
    with pytest.raises(ValueError, match="block_length must divide gen_length, got block_length 3"):
        dllm.infill(MODEL, "{{8}}", block_length=3)


def test_the_text_behind_a_hole_is_seen() -> None:
    near, far = (dllm.infill(MODEL, f"{{{{6}}}} {word}") for word in ("cats", "number 7"))
    assert near.tokens != far.tokens


def test_refuses_pieces_of_another_kind() -> None:
    with pytest.raises(TypeError, match="template: must hold texts and holes, got 5"):
        plan(MODEL, ["a", 5, dllm.Hole(2)])


@pytest.mark.parametrize(
    ("templates", "message"),
    [
        ("no hole", r"template: must hold at least one hole such as \{\{8\}\}, got 'no hole'"),
        ([["no", "hole"]], r"template: must hold at least one hole, got \['no', 'hole'\]"),
        ([dllm.Hole(0)], "template: a hole must have at least 1 token, got 0"),
        ([], "templates: must hold at least one, got none"),
        ("{{200}}", "template 0: 200 tokens must fit the model's 128 positions"),
    ],
)
def test_refuses(templates: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        dllm.infill(MODEL, templates)
