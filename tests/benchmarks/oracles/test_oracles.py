"""Oracles against counting: every marginal given every kind of decided positions."""

import itertools
import math
from collections.abc import Iterator, Sequence

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import dllm
from benchmarks import __main__ as command_line
from benchmarks.oracles.closed_forms import known_accuracy, replace_accuracy, shuffle_accuracy
from benchmarks.oracles.grids import grids_of
from benchmarks.oracles.lines import NEWCOMER, SEPARATOR, VOCAB
from benchmarks.oracles.subject import TASKS, Oracle, oracle
from benchmarks.runner.batches import make_plan
from benchmarks.runner.run import decode_here
from benchmarks.runner.settings import choose_settings
from samplers import MASK, VOID
from samplers.filter import Filter, Linear

LINES = TASKS[:4]


def answers(task: str, n: int) -> Iterator[tuple[int, ...]]:
    """All of a line of n, each as likely as any other."""
    line = list(range(n))
    match task:
        case "shuffle":
            yield from itertools.permutations(line)
        case "insert_random":
            yield from ((*line[:i], NEWCOMER, *line[i:]) for i in range(n + 1))
        case "remove_random":
            yield from ((*line[:i], *line[i + 1 :]) for i in range(n))
        case "replace_random":
            yield from ((*line[:i], NEWCOMER, *line[i + 1 :]) for i in range(n))


def counted(listed: Sequence[Sequence[int]], decided: np.ndarray, vocab: int) -> np.ndarray:
    """Marginals by counting."""
    table = np.array(listed)
    fitting = table[np.all((decided < 0) | (table == decided), axis=1)]
    return np.stack([np.bincount(column, minlength=vocab) for column in fitting.T]) / len(fitting)


def marginals(oracle: Oracle, canvas: np.ndarray, start: int, window: int) -> np.ndarray:
    model = oracle.denoiser
    assert isinstance(model, dllm.Denoiser)
    ask = jax.jit(model.logits, static_argnums=2)
    logits = ask(jnp.asarray(canvas)[None], jnp.array([start]), window)
    return np.asarray(jax.nn.softmax(logits[0], axis=-1))


@pytest.mark.parametrize("task", LINES)
def test_lines(task: str) -> None:
    """Padded behind, and read from the answer on."""
    random, n = np.random.default_rng(0), 4
    listed = list(answers(task, n))
    for _ in range(8):
        decided = np.array(listed[random.integers(len(listed))])
        decided[random.random(len(decided)) < 0.6] = MASK
        canvas = np.array([*range(n), SEPARATOR, *decided, VOID, VOID])
        given = marginals(Oracle(task), canvas, n + 1, len(decided))
        np.testing.assert_allclose(given, counted(listed, decided, VOCAB), atol=1e-6)


@pytest.mark.parametrize(("task", "number"), [("latin_square_n4", 576), ("sudoku_n4", 288)])
def test_grids(task: str, number: int) -> None:
    random, listed = np.random.default_rng(0), grids_of(task)
    assert listed.shape == (number, 16)
    for share in (0.0, 0.2, 0.5, 1.0):
        decided = listed[random.integers(number)].copy()
        decided[random.random(16) >= share] = MASK
        given = marginals(Oracle(task), decided, 0, 16)
        np.testing.assert_allclose(given, counted(listed.tolist(), decided, 4), atol=1e-5)


@pytest.mark.parametrize("task", TASKS)
def test_impossible_canvases_have_finite_logits(task: str) -> None:
    exact = Oracle(task)
    layout = exact.layout(exact.questions(1)[0].example, 0)
    canvas = np.array(layout.ids)
    canvas[layout.prompt : layout.prompt + 2] = 0
    assert np.isfinite(marginals(exact, canvas, layout.prompt, 3)).all()


ROWS = 4096


def shares(n: int, task: str, tokens: int, temperature: float, name: str = "random") -> float:
    """Share of right answers among decodes in one batch."""
    exact = Oracle(task, n)
    example = exact.questions(1)[0].example
    layout = exact.layout(example, 0)
    canvases = dllm.rows([layout.ids[: layout.prompt]] * ROWS, len(layout.ids) - layout.prompt)
    rule = dllm.rule(name, tokens=tokens)
    ended = dllm.decode(exact.denoiser, canvases, rule, dllm.Proposal(temperature))
    written = np.asarray(ended.canvas)[:, layout.prompt :].tolist()
    right = set(answers(task, n))
    return sum(tuple(answer) in right for answer in written) / ROWS


def interval(share: float) -> float:
    """Four standard deviations of a binomial share."""
    return 4 * math.sqrt(share * (1 - share) / ROWS)


def test_shuffle_two_at_a_time() -> None:
    """(n - 1)!! / n!! at two tokens a step, all of them at one."""
    accuracy = 5 * 3 / (6 * 4 * 2)
    assert shuffle_accuracy(6, 2) == pytest.approx(accuracy)
    assert shuffle_accuracy(4, 2) == pytest.approx(3 / (4 * 2))
    assert shares(6, "shuffle", 2, 1.0) == pytest.approx(accuracy, abs=interval(accuracy))
    assert shares(6, "shuffle", 1, 1.0) == 1


SINGLE = {
    **{rule: {"tokens": 1} for rule in ("random", "left_to_right", "confidence", "entropy")},
    "margin": {"tokens": 1},
    "confidence+llada": {"steps": 6},
    "threshold": {"threshold": 1.0},
    "factor": {"factor": 0.0},
}
"""Rules in the settings that write one token a step, and what is certain with it."""

ALSO_SINGLE = {
    "factor_d2cache": {"factor": 0.0},
    "localleap": {"threshold": 1.0, "relaxed_threshold": 1.0},
    "threshold_leading": {"threshold": 1.0},
    "threshold_dream": {"steps": 6, "threshold": 1.0},
    "klass": {"vocab": VOCAB, "conf_threshold": 1.0},
    "confidence+klass": {"vocab": VOCAB, "conf_threshold": 1.0, "tokens": 1},
    "entropy_klass": {"tokens": 1},
    "entropy_bound": {"gamma": 0.0},
    "entropy_bound_d2cache": {"gamma": 0.0},
    "slowfast": {"high_threshold": 1.0},
    "editing": {"threshold": 1.0, "editing_threshold": 1.0},
    "confidence+credit": {"vocab": VOCAB, "tokens": 1},
    "confidence+eoser": {"eos": SEPARATOR, "tokens": 1},
    "first_alone+confidence": {"tokens": 1},
    "learn2pd": {"filter": Filter((Linear(np.zeros((6, 6)), np.full(6, -1.0)),)), "tau": 1.0},
}


@pytest.mark.parametrize(
    "name", [*SINGLE, *(pytest.param(name, marks=pytest.mark.slow) for name in ALSO_SINGLE)]
)
def test_one_token_a_step_loses_nothing(name: str) -> None:
    """Whatever the order: each token is drawn given all before it."""
    exact = Oracle("shuffle", 6)
    layout = exact.layout(exact.questions(1)[0].example, 0)
    canvases = dllm.rows([layout.ids[: layout.prompt]] * 256, 6)
    ended = dllm.decode(
        exact.denoiser,
        canvases,
        dllm.rule(name, **{**SINGLE, **ALSO_SINGLE}[name]),
        dllm.Proposal(1.0),
    )
    written = np.asarray(ended.canvas)[:, layout.prompt :]
    assert np.all(np.sort(written, axis=1) == np.arange(6))
    assert np.min(ended.forwards) >= 5


@pytest.mark.parametrize("tokens", [1, 2, 3])
def test_replacing(tokens: int) -> None:
    """Drawn, and greedily with ties at random, which is a temperature close to 0."""
    drawn, greedy = replace_accuracy(6, tokens), {1: 1.0, 2: 0.5, 3: 0.0}[tokens]
    for share, temperature in ((drawn, 1.0), (greedy, 0.02)):
        decoded = shares(6, "replace_random", tokens, temperature)
        assert decoded == pytest.approx(share, abs=interval(share) + 1e-6)


@pytest.mark.parametrize("exact", [Oracle("insert_random", 4), Oracle("sudoku_n4")])
def test_one_at_a_time_is_always_right(exact: Oracle) -> None:
    chosen = choose_settings(["random"], ["tokens=1"]).settings
    plan = make_plan(exact, exact.questions(12), chosen, suite="oracle", temperature=1.0)
    (result,) = decode_here(plan, progress=False)
    assert [sample.score for sample in result.samples] == [1] * 12
    assert {sample.outcome for sample in result.samples} == {"filled"}


def test_closed_forms() -> None:
    assert shuffle_accuracy(5, 5) == pytest.approx(math.factorial(5) / 5**5)
    assert [shuffle_accuracy(6, 1), replace_accuracy(6, 1)] == [1, pytest.approx(1)]
    assert replace_accuracy(2, 2) == 0.5
    assert shuffle_accuracy(5, 2) == pytest.approx(4 / 5 * 2 / 3)
    assert shuffle_accuracy(4, 4) == pytest.approx(2 ** -(8 - math.log2(24)))
    with pytest.raises(ValueError, match="closed form: n and k must be at least 1, got n 5 and k "):
        shuffle_accuracy(5, 0)


MORE = (
    *(("shuffle", "random", 2, 1.0), ("shuffle", "entropy", 2, 0.0)),
    *(("replace_random", "margin", 2, 1.0), ("replace_random", "entropy", 4, 1.0)),
    *(("replace_random", "confidence", 2, 0.0), ("insert_random", "confidence", 1, 1.0)),
)


@pytest.mark.parametrize(
    ("task", "rule", "tokens", "temperature"),
    [
        *(("shuffle", "confidence", 4, 0.5), ("replace_random", "left_to_right", 3, 0.0)),
        *(pytest.param(*case, marks=pytest.mark.slow) for case in MORE),
    ],
)
def test_formulas_say_what_runs_come_to(
    task: str, rule: str, tokens: int, temperature: float
) -> None:
    """Lines of five, which two, three and four tokens a step do not divide."""
    known = known_accuracy(task, 5, rule, {"tokens": tokens}, temperature)
    assert known is not None
    measured = shares(5, task, tokens, temperature, rule)
    assert measured == pytest.approx(known, abs=interval(known) + 1e-6)


def test_no_formula() -> None:
    """Confidence waits for tokens that are likely; others write as many as they like."""
    for rule, options in (("confidence", {"tokens": 2}), ("threshold", {"threshold": 0.5})):
        assert known_accuracy("replace_random", 6, rule, options, 1.0) is None
    assert known_accuracy("shuffle", 6, "random", {"tokens": 2, "block_length": 2}, 1.0) is None


def test_runs_say_what_is_exact(capsys: pytest.CaptureFixture[str]) -> None:
    """Of lines of three to six people."""
    options = ["--model", "oracle:shuffle", "--temperature", "1", "--limit", "8", "--batch", "8"]
    command_line.main(["run", *options, "--scheduler", "random", "--set", "tokens=1,2"])
    shown = capsys.readouterr().out
    assert "exact: random tokens=1: 100.0 %, measured 100.0 % (67.6 to 100.0)" in shown
    lengths = [len(q.example.label["input"]) for q in Oracle("shuffle").questions(8)]
    mean = 100 * sum(shuffle_accuracy(n, 2) for n in lengths) / 8
    assert f"exact: random tokens=2: {mean:.1f} %, measured" in shown


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("oracle:copy", "oracles are of shuffle, .*got 'oracle:copy'"),
        (
            "oracle:shuffle:1",
            "oracle:TASK:N is for lines of 2 to 16 people, got 'oracle:shuffle:1'",
        ),
        ("oracle:sudoku_n4:4", "is for lines of 2 to 16 people, got 'oracle:sudoku_n4:4'"),
    ],
)
def test_names(name: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        oracle(name)


def test_sizes() -> None:
    assert oracle("oracle:shuffle:8").name == "oracle:shuffle:8"
    made = oracle("oracle:insert_random:8").questions(3)
    assert [len(question.example.label["input"]) for question in made] == [8, 8, 8]
    assert made == oracle("oracle:insert_random:8").questions(3)
    assert oracle("oracle:sudoku_n4").questions(1)[0].example.prompt.endswith("0000")
