"""Learn2PD beyond the recorded runs: rows, drafts, schedules, the oracle, training, files."""

from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

import dllm
from dllm import learn2pd
from dllm.decode import run_compiled
from dllm.learn2pd.collection import used
from dllm.requests import ids_of
from samplers.filter import Filter, Linear
from tests import checkpoints
from tests.batches import LENGTH, assert_same_rows, exact_toy, mixed_rows
from tests.reference import learn2pd as reference
from tests.reference.model import tanh_logits
from tests.toys import EOS, Tanh, random_params

TOY = exact_toy()
MADE = Filter(tuple(Linear(*layer) for layer in reference.random_filter(0, 8)))
CUT: dict[str, Any] = {"filter": MADE, "tau": 0.6, "eos": int(np.argmax(np.sum(TOY.bias, axis=0)))}
"""With a token that the toy likes to write as the end of text."""


@pytest.mark.parametrize(
    ("options", "cache"),
    [
        pytest.param({"eotp": "prediction"}, "none", marks=pytest.mark.slow),
        pytest.param({"eotp": "decoded"}, "none", marks=pytest.mark.slow),
        ({"eotp": "prediction", "scope": "block"}, "dual"),
    ],
    ids=["prediction", "decoded", "dual"],
)
def test_rows_and_drafts_change_nothing(options: dict[str, Any], cache: str) -> None:
    rule, mates = dllm.rule("learn2pd", **CUT, **options), [4, 0, 3, 1, 7]
    among = dllm.decode(TOY, mixed_rows(mates), rule, cache=cache)
    whole = mixed_rows(mates).canvas != dllm.VOID
    assert np.any((among.canvas == dllm.VOID) & whole), "no row is cut short"
    drafted = dllm.decode(TOY, mixed_rows(mates), rule, cache=cache, num_drafts=4)
    assert_same_rows(among, drafted)
    assert np.all(drafted.forwards <= among.forwards)
    for at, row in ((0, 4), (1, 0), (4, 7)):  # of three blocks each: one program
        alone = dllm.decode(TOY, mixed_rows([row]), rule, cache=cache)
        assert_same_rows(alone, jax.tree.map(lambda leaf, at=at: leaf[at : at + 1], among))
        assert alone.forwards[0] == among.forwards[at]


def test_a_filter_that_accepts_nothing_is_llada() -> None:
    """At tau = 1, with one or two tokens a step; other filters run the same program."""
    rows = dllm.rows([[1, 2], [3], [4, 5, 6]], 24, 8, length=LENGTH)
    for steps in (24, 12):
        plain = dllm.decode(TOY, rows, dllm.rule("llada", steps=steps))
        for seed in (0, 1):
            made = Filter(tuple(Linear(*layer) for layer in reference.random_filter(seed, 8)))
            rule = dllm.rule("learn2pd", filter=made, tau=1, steps=steps)
            ended = dllm.decode(TOY, rows, rule, reference_calls=True)
            assert_same_rows(plain, ended)
            np.testing.assert_array_equal(ended.forwards, steps)


def test_filters_and_thresholds_share_a_program() -> None:
    rows, programs = dllm.rows([[1, 2]], 8, 8, length=16), []
    compiled: Any = run_compiled
    for seed, tau in ((0, 0.5), (1, 0.9), (2, 1)):
        made = Filter(tuple(Linear(*layer) for layer in reference.random_filter(seed, 8)))
        dllm.decode(TOY, rows, dllm.rule("learn2pd", filter=made, tau=tau))
        programs.append(compiled._cache_size())
    assert len(set(programs)) == 1


def test_oracle_equals_numpy() -> None:
    """Five rows in one program, each as its twin alone; the toy's near ties are left out."""
    prompts = [[1, 2, 3], [4], [5, 6, 7, 8], [9, 1], [2, 2, 2, 2, 2]]
    rows = dllm.rows(prompts, 12, 4, length=20)
    ties = 0
    for seed in range(4):
        params = random_params(seed)
        toy = Tanh({k: v for k, v in params.items() if k != "bias"}, np.float32(6), params["bias"])
        ended, found = learn2pd.oracle_records(toy, rows, 4, record=20)
        for row, prompt in enumerate(prompts):

            def predict(canvas: np.ndarray, params: Any = params) -> np.ndarray:
                return tanh_logits(params, 6.0, params["bias"], canvas)

            run, records = reference.oracle(predict, prompt, 12, 4)
            length = len(run.final)
            states = [[t if t != 23 else dllm.MASK for t in state] for state in run.states]
            own = jax.tree.map(lambda leaf, row=row: leaf[row : row + 1], found)
            own = used(own, 1)
            if ended.canvas[row, :length].tolist() != run.final:
                ties += 1
                continue
            assert ended.trajectory[row, : len(states), :length].tolist() == states
            assert int(ended.forwards[row]) == len(states) == len(own.step)
            assert own.step.tolist() == [step for step, _, _ in records]
            assert own.correct.tolist() == [right.tolist() for _, _, right in records]
            confidence = [shown for _, shown, _ in records]
            np.testing.assert_allclose(own.confidence, confidence, rtol=0, atol=1e-5)
    assert ties <= 1


def test_training_equals_numpy() -> None:
    random = np.random.default_rng(3)
    shown = random.uniform(size=(40, 5)).astype(np.float32)
    right = random.uniform(size=(40, 5)) < shown
    start = learn2pd.first_filter(5, seed=1)
    seen: list[int] = []
    made = learn2pd.fit(
        start,
        shown,
        right,
        learn2pd.FitSettings(epochs=30),
        validation=(shown, right),
        watch=lambda epochs, loss, score: seen.append(epochs),
    )
    layers = [(np.asarray(layer.weight), np.asarray(layer.bias)) for layer in start.layers]
    wanted, losses = reference.train(layers, shown, right.astype(float), 30)
    np.testing.assert_allclose(made.losses, losses, rtol=0, atol=1e-6)
    for layer, (weight, bias) in zip(made.filter.layers, wanted, strict=True):
        np.testing.assert_allclose(layer.weight, weight, rtol=0, atol=1e-5)
        np.testing.assert_allclose(layer.bias, bias, rtol=0, atol=1e-5)
    assert seen == [30]
    assert made.validation[-1][1] == learn2pd.score(made.filter, shown, right)


def test_scores_count_wrong_acceptances() -> None:
    sure = Filter((Linear(np.zeros((3, 3)), np.array([5.0, 5.0, -5.0])),))
    right = np.array([[1, 0, 1], [1, 1, 0]], bool)
    found = learn2pd.score(sure, np.zeros((2, 3), np.float32), right)
    assert (found.accepted, found.false_positives) == (4 / 6, 1 / 4)


def test_split_is_eighty_ten_ten_and_follows_its_seed() -> None:
    parts = learn2pd.split(101, 5)
    assert [len(part) for part in parts] == [80, 10, 11]
    assert sorted(np.concatenate(parts).tolist()) == list(range(101))
    assert [part.tolist() for part in learn2pd.split(101, 5)] == [part.tolist() for part in parts]
    assert learn2pd.split(101, 6).train.tolist() != parts.train.tolist()


def test_a_checkpoints_own_filter_is_the_default(tmp_path: Path) -> None:
    folder = checkpoints.make(tmp_path / "model")
    model = dllm.load(folder)
    with pytest.raises(ValueError, match="learn2pd: option filter has to be given"):
        dllm.generate(model, [[1, 2]], scheduler="learn2pd", gen_length=8)
    path = folder / "learn2pd.safetensors"
    learn2pd.save_filter(learn2pd.first_filter(8), path)
    assert ids_of(model)["filter"] == str(path)
    assert len(dllm.load(folder).network.state)  # no weights of the model
    said = dllm.generate(model, [[1, 2]], scheduler="learn2pd", gen_length=8)[0]
    assert said.forwards >= 1


def test_a_row_that_is_cut_short_has_no_text_behind(tmp_path: Path) -> None:
    """An end of text that is predicted everywhere: the first position may be all that is left."""
    model = dllm.load(checkpoints.make(tmp_path / "model"))
    never = [i for i in range(model.config.vocab) if i != EOS]
    rule = dllm.rule("learn2pd", filter=MADE, tau=0, eotp="prediction", eos=EOS)
    said = dllm.generate(
        model, [[1, 2]], scheduler=rule, gen_length=8, suppress=never, trajectory=True
    )[0]
    assert (said.tokens, said.forwards) == ([EOS], 1)
    assert said.tokens_per_step == 1
    assert said.trajectory[-1].tolist() == [1, 2, EOS, *[dllm.VOID] * 7]
