"""Answers to prompts: order, batches, ends, stop strings, interruption."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

import dllm
from dllm.jobs import Glance, bucket
from dllm.prompts import listed
from dllm.requests import find_rule, largest_block
from tests.models import causal, chatty, small, tokenizer_of

MODEL = small()
TOKENIZER = tokenizer_of(MODEL)
OPTIONS: dict[str, Any] = {"gen_length": 16, "block_length": 8, "temperature": 1.0}
PROMPTS = ["one", "a much longer prompt than the first one", "three", "4", "and five", "six 6"]


def _alike(one: dllm.Generation, other: dllm.Generation) -> bool:
    return (one.tokens, one.text, one.outcome) == (other.tokens, other.text, other.outcome)


def test_one_prompt_gives_one_answer() -> None:
    answer = dllm.generate(MODEL, "hello", **OPTIONS)
    assert answer.prompt == TOKENIZER.encode("hello")
    assert answer.text == TOKENIZER.decode(answer.tokens)
    assert answer.outcome in ("filled", "ended")
    assert answer.tokens_per_step == pytest.approx(16 / answer.forwards)
    assert answer.evaluations == answer.forwards
    assert len(answer.log_probs) == len(answer.tokens)
    assert all(value < 0 for value in answer.log_probs)
    assert MODEL.specials.mask not in answer.tokens


def test_answers_depend_on_prompt_and_seed_alone() -> None:
    together = dllm.generate(MODEL, PROMPTS, seed=7, batch=4, **OPTIONS)
    drafted = dllm.generate(MODEL, PROMPTS, seed=7, batch=3, num_drafts=3, **OPTIONS)
    for number, prompt in enumerate(PROMPTS):
        alone = dllm.generate(MODEL, prompt, seed=7 + number, **OPTIONS)
        assert together[number].seed == 7 + number
        assert _alike(together[number], alone)
        assert _alike(drafted[number], alone)
        assert drafted[number].forwards <= alone.forwards
        assert drafted[number].evaluations == 3 * drafted[number].forwards
    listed = dllm.generate(MODEL, PROMPTS[:2], seed=[7, 8], **OPTIONS)
    assert all(map(_alike, listed, together[:2]))


@pytest.mark.slow
def test_published_drafts_change_no_token() -> None:
    plain = dllm.generate(MODEL, PROMPTS[:2], **OPTIONS)
    drafted = dllm.generate(MODEL, PROMPTS[:2], num_drafts=3, drafter="published", **OPTIONS)
    assert all(map(_alike, drafted, plain))


@pytest.mark.slow
def test_eager_drafts_over_a_block_causal_model() -> None:
    """The model's own blocks are counted from the first position; what fills the last is cut."""
    model, prompt = causal(8), TOKENIZER.encode("hello")
    options: dict[str, Any] = {"gen_length": 16, "scheduler": "confidence", "seed": 3}
    plain = dllm.generate(model, prompt, **options)
    assert len(plain.tokens) == 16 or plain.outcome == "ended"
    kept = {"cache": "block_causal", "num_drafts": 4, "drafter": "published"}
    eager = dllm.generate(model, prompt, eager=True, **kept, **options)
    assert _alike(eager, plain)


@pytest.mark.slow
def test_eager_drafts_in_a_stream() -> None:
    model, prompt = causal(8), TOKENIZER.encode("hello")
    options: dict[str, Any] = {"gen_length": 16, "scheduler": "confidence", "seed": 3}
    kept = {"cache": "block_causal", "num_drafts": 4, "drafter": "published"}
    eager = dllm.generate(model, prompt, eager=True, **kept, **options)
    *_, last = dllm.stream(model, prompt, eager=True, **kept, **options)
    assert last.generation == eager


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"eager": True}, "decode: eager needs cache 'block_causal', because elsewhere"),
        ({"accept": "most"}, "decode: accept must be one of exact, subset, got 'most'"),
        (
            {"drafter": "tree"},
            "decode: drafter must be one of own, published, published_dream, got 'tree'",
        ),
        ({"num_drafts": 0}, "decode: num_drafts must be at least 1, got 0"),
        ({"cache": "block_causal"}, "needs a model whose attention is block-causal"),
    ],
)
def test_drafting_that_does_not_fit_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        dllm.generate(MODEL, "x", gen_length=8, **options)
    with pytest.raises((ValueError, TypeError), match=message):
        next(dllm.stream(MODEL, "x", gen_length=8, **options))
    with pytest.raises((ValueError, TypeError), match=message):
        dllm.infill(MODEL, "x{{4}}", **options)


def test_prompts_are_texts_ids_or_conversations() -> None:
    ids = TOKENIZER.encode("hi")
    text = dllm.generate(MODEL, "hi", **OPTIONS)
    assert _alike(dllm.generate(MODEL, ids, **OPTIONS), text)
    assert _alike(dllm.generate(MODEL, [np.array(ids)], **OPTIONS)[0], text)
    model = chatty()
    wrapped = dllm.generate(MODEL, "<hi>", **OPTIONS)
    conversation = [{"role": "user", "content": "hi"}]
    assert _alike(dllm.generate(model, "hi", **OPTIONS), wrapped)
    assert _alike(dllm.generate(model, conversation, **OPTIONS), wrapped)
    assert _alike(dllm.generate(model, [conversation], **OPTIONS)[0], wrapped)
    assert _alike(dllm.generate(model, "hi", chat=False, **OPTIONS), text)


def test_an_answer_ends_with_its_end_token() -> None:
    answers = dllm.generate(MODEL, ["x"] * 24, temperature=1.5, gen_length=32, block_length=8)
    ended = [answer for answer in answers if answer.outcome == "ended"]
    assert 0 < len(ended) < 24
    assert all(len(answer.tokens) < 32 for answer in ended)
    assert all(MODEL.specials.eos not in answer.tokens for answer in answers)
    plain = [answer for answer in answers if answer.outcome == "filled"]
    assert max(a.forwards for a in ended) < max(a.forwards for a in plain) + 1


def test_stop_strings_end_answers_at_the_same_place_every_time() -> None:
    plain = dllm.generate(MODEL, PROMPTS, batch=2, **OPTIONS)
    stop = [answer.text[5] for answer in plain[:3]]
    first = dllm.generate(MODEL, PROMPTS, batch=2, stop=stop, **OPTIONS)
    again = dllm.generate(MODEL, PROMPTS, batch=6, stop=stop, **OPTIONS)
    for whole, cut, other in zip(plain, first, again, strict=True):
        assert whole.text.startswith(cut.text)
        assert not any(word in cut.text for word in stop)
        assert (cut.text, cut.forwards) == (other.text, other.forwards)
        assert cut.forwards <= whole.forwards
        assert (cut.outcome == "ended") >= (cut.text != whole.text)
    assert sum(a.forwards for a in first) < sum(a.forwards for a in plain)


def test_suppressed_tokens_are_never_written() -> None:
    plain = dllm.generate(MODEL, "x", **OPTIONS)
    banned = sorted(set(plain.tokens))
    assert not set(dllm.generate(MODEL, "x", suppress=banned, **OPTIONS).tokens) & set(banned)


def test_the_trajectory_is_kept_on_request() -> None:
    answer = dllm.generate(MODEL, "x", trajectory=True, **OPTIONS)
    assert answer.trajectory.shape == (answer.steps + 1, len(answer.prompt) + 16)
    assert np.sum(answer.trajectory[0] == dllm.MASK) == 16
    assert (
        answer.trajectory[-1, len(answer.prompt) :].tolist()[: len(answer.tokens)] == answer.tokens
    )
    assert dllm.generate(MODEL, "x", **OPTIONS).trajectory is None


def test_json_knows_no_nan() -> None:
    answer = dllm.generate(MODEL, "x", trajectory=True, **OPTIONS)
    changed = dllm.Generation(**{**vars(answer), "log_probs": [math.nan, -1.0]}).as_json()
    assert changed["log_probs"] == [None, -1.0]
    assert len(changed["trajectory"]) == answer.steps + 1


def test_results_are_told_as_they_end() -> None:
    told: list[int] = []
    answers = dllm.generate(
        MODEL, PROMPTS, batch=2, on_result=lambda number, _: told.append(number), **OPTIONS
    )
    assert sorted(told) == list(range(6))
    assert [a.prompt for a in answers] == [TOKENIZER.encode(p) for p in PROMPTS]


def test_watchers_see_every_forward() -> None:
    left: list[int] = []

    def watch(glances: Sequence[Glance]) -> None:
        left.extend(glance.ids.count(dllm.MASK) for glance in glances)

    answer = dllm.generate(MODEL, "x", watch=watch, scheduler="confidence", **OPTIONS)
    assert left[: answer.forwards] == sorted(left, reverse=True)[: answer.forwards]
    assert len(left) == answer.forwards


def test_interruption_hands_over_what_is_finished() -> None:
    def stop_after_two(number: int, answer: dllm.Generation) -> None:
        told.append(number)
        if len(told) == 2:
            raise KeyboardInterrupt

    told: list[int] = []
    with pytest.raises(dllm.Interrupted, match="2 of 6 finished") as caught:
        dllm.generate(MODEL, PROMPTS, batch=2, on_result=stop_after_two, **OPTIONS)
    finished = caught.value.finished
    assert [answer is not None for answer in finished] == [i in told for i in range(6)]


def test_a_bar_is_shown_on_request(capsys: pytest.CaptureFixture[str]) -> None:
    dllm.generate(MODEL, "x", progress=True, **OPTIONS)
    assert "generating" in capsys.readouterr().err
    dllm.generate(MODEL, "x", **OPTIONS)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("prompts", "options", "message"),
    [
        ([], {}, "prompts: must hold at least one, got none"),
        ("x", {"scheduler": "fast"}, "scheduler: unknown 'fast'"),
        ("x", {"gen_length": 0}, "blocks: gen_length must be at least 1, got 0"),
        ("x", {"gen_length": 12, "block_length": 8}, "block_length must divide gen_length, got b"),
        ("x" * 120, {}, "prompt 0: 120 tokens and gen_length 16 must fit the model's 128 posit"),
        (["x", "x" * 120], {}, "prompt 1: 120 tokens"),
        ("x", {"temperature": -1.0}, "Proposal: temperature must be at least 0.0, got -1.0"),
        ("x", {"batch": 0}, "batch must be at least 1, got 0"),
        ("x", {"stop": ["a", ""]}, r"stop: must hold no empty text, got \['a', ''\]"),
        ("x", {"suppress": [400]}, r"suppress: token ids must be in \[0, 320\), got 400"),
        ([[400]], {}, r"prompt: token ids must be in \[0, 320\), got 400"),
        ([[dllm.MASK]], {}, r"prompt: token ids must be in \[0, 320\), got -1"),
        ([{"role": "user", "content": "x"}], {}, "has no chat template; give prompts as text"),
    ],
)
def test_refuses(prompts: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        dllm.generate(MODEL, prompts, **{"gen_length": 16, **options})


def test_refuses_what_is_no_prompt() -> None:
    with pytest.raises(
        TypeError, match="prompts: must be texts, token ids or conversations, got 5"
    ):
        listed(5)


def test_buckets_are_few_and_hold_their_rows() -> None:
    lengths = range(1, 4097)
    chosen = [bucket(length, 4096) for length in lengths]
    for length, b in zip(lengths, chosen, strict=True):
        assert length <= b <= max(length + 15, 1.25 * length)
    assert len(set(chosen)) < 40
    assert bucket(4090, 4090) == 4090


@pytest.mark.parametrize(("length", "block"), [(128, 32), (16, 16), (48, 24), (50, 25), (37, 1)])
def test_default_blocks_divide(length: int, block: int) -> None:
    assert largest_block(length) == block


def test_rules_are_told_the_vocabulary() -> None:
    vocab = MODEL.config.vocab
    assert find_rule(MODEL, "klass+early_stop") == dllm.rule(
        "klass+early_stop", vocab=vocab, eos=MODEL.specials.eos
    )
