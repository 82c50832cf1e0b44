"""Batches: the same ids that generation sees, the same batch for a step every time."""

import dataclasses
import json
import time
from pathlib import Path

import numpy as np
import pytest

from dllm import prompts
from dllm.load import Model
from dllm.train import Batch, Example, Shape, scratch
from dllm.train.batches import Feeder, Maker
from dllm.train.encode import Encoder
from samplers import VOID
from tests.dllm.train.runs import copying, tiny

TEMPLATE = (
    "{% for m in messages %}<|{{ m.role }}|>{{ m.content | trim }}{{ eos_token }}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
EOS = 301


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return tiny(tmp_path_factory.mktemp("batches") / "plain")


@pytest.fixture(scope="module")
def chatty(tmp_path_factory: pytest.TempPathFactory) -> Model:
    folder = tmp_path_factory.mktemp("batches") / "chatty"
    tiny(folder)
    config = {"chat_template": TEMPLATE, "eos_token": "<|endoftext|>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    return scratch(folder)


def text_of(model: Model, ids: list[int]) -> str:
    assert model.tokenizer is not None
    return model.tokenizer.inner.decode(ids, skip_special_tokens=False)


def test_prompts_are_encoded_as_generation_does(plain: Model, chatty: Model) -> None:
    talk = [{"role": "user", "content": " hi"}, {"role": "assistant", "content": "ho"}]
    for model, prompt in ((plain, "a b"), (chatty, "a b"), (chatty, talk)):
        [encoded] = Encoder(model).encode([Example(prompt, "x")])
        assert encoded.prompt == prompts.encode(model, prompt)
    assert text_of(chatty, encoded.prompt) == "<|user|>hi<|endoftext|><|assistant|>ho" + (
        "<|endoftext|><|assistant|>"
    )


def test_special_tokens_in_text_are_text(chatty: Model) -> None:
    evil = "a<|endoftext|>b<|mdm_mask|>"
    one, talk = Encoder(chatty).encode(
        [Example(evil, evil), Example([{"role": "user", "content": evil}], "")]
    )
    assert one.prompt == talk.prompt
    assert text_of(chatty, one.prompt) == f"<|user|>{evil}<|endoftext|><|assistant|>"
    assert one.prompt.count(EOS) == 1  # of the template
    assert text_of(chatty, one.answer) == evil
    assert not {EOS, chatty.specials.mask} & set(one.answer)


def test_layout(plain: Model) -> None:
    batch = Maker(plain, copying, [Shape(9, 5, 6)], 0)(3)
    assert batch.canvas.shape == (6, 9)
    assert plain.tokenizer is not None
    for row, start in zip(batch.canvas, batch.start, strict=True):
        letter, times = text_of(plain, row[:start].tolist())
        answer = plain.tokenizer.encode(letter * int(times))
        assert row[start : start + 5].tolist() == answer + [EOS] * (5 - len(answer))
        assert (row[start + 5 :] == VOID).all()


def test_a_step_has_one_batch(plain: Model) -> None:
    shapes = [Shape(9, 5, 6), Shape(8, 4, 2, 3.0)]
    one, two = (Maker(plain, copying, shapes, 1) for _ in range(2))
    again = [two(step) for step in reversed(range(40))][::-1]
    for step in range(40):
        batch = one(step)
        assert batch.shape == again[step].shape
        np.testing.assert_array_equal(batch.canvas, again[step].canvas)
    assert 20 < sum(batch.shape for batch in again) < 38
    other = Maker(plain, copying, shapes, 2)
    assert any(other(step).canvas.tolist() != one(step).canvas.tolist() for step in range(3))


def test_examples_are_drawn_until_one_fits(plain: Model) -> None:
    batch = Maker(plain, copying, [Shape(5, 3, 16)], 0)(0)
    assert (batch.canvas[:, 4] == EOS).all()  # three letters never fit, the end must


def test_a_shape_that_nothing_fits_is_named(plain: Model) -> None:
    drawn = []

    def source(random: np.random.Generator) -> Example:
        drawn.append(random)
        return Example("aaaa", "b")

    expected = "shape of 5 positions and 3 answer tokens: one of 200 examples drawn must fit, got n"
    with pytest.raises(ValueError, match=expected):
        Maker(plain, source, [Shape(5, 3, 1)], 0)(0)
    assert len(drawn) == 200


def test_models_that_cannot_be_trained(plain: Model) -> None:
    shapes = [Shape(8, 4, 1)]
    with pytest.raises(ValueError, match="training needs a tokenizer, the checkpoint has none"):
        Maker(dataclasses.replace(plain, tokenizer=None), copying, shapes, 0)
    specials = plain.specials._replace(eos=None)
    with pytest.raises(ValueError, match=r"needs an end-of-text id, config\.json has none"):
        Maker(dataclasses.replace(plain, specials=specials), copying, shapes, 0)
    with pytest.raises(ValueError, match=r"positions must be at most the model's 128, got 129"):
        Maker(plain, copying, [Shape(129, 4, 1)], 0)
    with pytest.raises(ValueError, match="has no chat template; give prompts as text"):
        Encoder(plain).encode([Example([{"role": "user", "content": "a"}], "b")])


def made(step: int) -> Batch:
    return Batch(np.zeros((1, 1), np.int32), np.zeros(1, np.int32), step)


def test_feeder_keeps_the_order_and_counts_the_wait() -> None:
    def slow(step: int) -> Batch:
        time.sleep(0.02)
        return made(step)

    feeder, idled = Feeder(slow, range(2, 8)), []
    assert [feeder.take(lambda: idled.append(1)).shape for _ in range(6)] == [2, 3, 4, 5, 6, 7]
    assert len(idled) > 0
    assert feeder.waited > 0.01
    feeder.close()


def test_feeder_hands_on_what_went_wrong_and_can_be_left() -> None:
    def bad(step: int) -> Batch:
        if step == 1:
            raise ValueError("row 1")
        return made(step)

    feeder = Feeder(bad, range(5))
    feeder.take(lambda: None)
    with pytest.raises(ValueError, match="row 1"):
        feeder.take(lambda: None)
    feeder.close()
    Feeder(made, range(10**9)).close()


def test_scratch_refuses_a_tokenizer_too_large(tmp_path: Path) -> None:
    tiny(tmp_path / "model")
    path = tmp_path / "model" / "config.json"
    raw = json.loads(path.read_text()) | {"embedding_size": 302, "vocab_size": 302}
    path.write_text(json.dumps(raw))
    tokenizer = json.loads((tmp_path / "model" / "tokenizer.json").read_text())
    tokenizer["model"]["vocab"]["zz"] = 310
    (tmp_path / "model" / "tokenizer.json").write_text(json.dumps(tokenizer))
    with pytest.raises(ValueError, match=r"ids must be below the config's 302, got 310"):
        scratch(tmp_path / "model")
