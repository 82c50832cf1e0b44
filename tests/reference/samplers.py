"""LLaDA, Fast-dLLM and Dream, one row each."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from tests.reference import distributions, selections
from tests.reference.model import MASK_ID as M
from tests.reference.model import shift_right

Predict = Callable[[np.ndarray], np.ndarray]
Call = tuple[str, int, int]
"""Kind, start, length."""
Select = Callable[[np.ndarray, np.ndarray, int], list[int]]


class Run(NamedTuple):
    """The canvas before each call, and the last one."""

    states: list[list[int]]
    final: list[int]


class Reading(NamedTuple):
    """Options of LLaDA's reading of logits; `uniforms[step]` are recorded draws."""

    temperature: float = 0.0
    guidance: float = 0.0
    forbidden: tuple[int, ...] = ()
    distrusted: tuple[int, ...] = ()
    random_order: bool = False
    token_draws: np.ndarray = np.empty(0)
    order_draws: np.ndarray = np.empty(0)


def llada(
    predict: Predict, prompt: list[int], gen: int, block: int, steps: int, reading: Reading
) -> Run:
    """Every block spends its steps, also where nothing is left to write."""
    x = np.array(prompt + [M] * gen)
    given = x != M
    states = []
    per_block = steps // (gen // block)
    for start in range(len(prompt), len(x), block):
        schedule = selections.even(int((x[start : start + block] == M).sum()), per_block)
        for k in schedule:
            states.append(x.tolist())
            tokens, scores = _read(predict, x, given, reading, len(states) - 1)
            eligible = (x == M) & (np.arange(len(x)) < start + block)
            for i in selections.top_k(scores, eligible, k):
                x[i] = tokens[i]
    return Run(states, x.tolist())


def fastdllm(
    predict: Predict,
    prompt: list[int],
    gen: int,
    block: int,
    select: Select,
    reading: Reading,
    eos: int | None = None,
) -> Run:
    """Leaves a block as soon as it is filled; `eos` turns early stopping on."""
    x = np.array(prompt + [M] * gen)
    given = x != M
    states = []
    for start in range(len(prompt), len(x), block):
        inside = slice(start, start + block)
        step = 0
        while M in x[inside]:
            states.append(x.tolist())
            tokens, scores = _read(predict, x, given, reading, len(states) - 1)
            eligible = (x == M) & (np.arange(len(x)) < start + block)
            for i in select(scores, eligible, step):
                x[i] = tokens[i]
            if eos is not None and eos in x:
                x[x.tolist().index(eos) :] = eos
            step += 1
        if eos is not None and eos in x:
            break
    return Run(states, x.tolist())


def fastdllm_cached(
    run: Callable[..., tuple[np.ndarray, list[np.ndarray]]],
    prompt: list[int],
    gen: int,
    block: int,
    select: Select,
    *,
    dual: bool,
    spare: bool,
    eos: int | None = None,
) -> tuple[Run, list[Call]]:
    """A full call opens a block; the others compute the block, or all that follows its start.

    `run(canvas, kept, window)` is the model. With `spare` a block is looked at once more even if
    the full call filled it. Also returns the calls: kind, start, length.
    """
    x = np.array(prompt + [M] * gen)
    states, calls = [], []
    for start in range(len(prompt), len(x), block):
        inside = slice(start, start + block)
        window = inside if dual else slice(start, len(x))
        kept, step = None, 0
        while M in x[inside] or (spare and step == 1):
            states.append(x.tolist())
            if step == 0:
                logits, kept = run(x)
                calls.append(("full", 0, len(x)))
            else:
                logits, _ = run(x, kept, window)
                calls.append(("block" if dual else "suffix", start, window.stop - start))
            tokens = logits.argmax(-1)
            scores = distributions.softmax(logits)[np.arange(len(x)), tokens]
            eligible = np.zeros(len(x), bool)
            eligible[inside] = x[inside] == M
            for i in select(scores, eligible, step):
                x[i] = tokens[i]
            if eos is not None and eos in x and step:
                x[x.tolist().index(eos) :] = eos
            step += 1
        if eos is not None and eos in x:
            break
    return Run(states, x.tolist()), calls


def dream(
    predict: Predict,
    prompt: list[int],
    gen: int,
    steps: int,
    eps: float,
    algorithm: str,
    top_p: float | None = None,
    top_k: int | None = None,
    draw: Callable[[int], np.ndarray] = np.zeros,
) -> Run:
    """One canvas, no blocks, always `steps` calls. `draw(n)` gives n uniforms."""
    x = np.array(prompt + [M] * gen)
    states = []
    for step in range(steps):
        states.append(x.tolist())
        logits = shift_right(predict(x))
        logits = logits if top_p is None else distributions.keep_top_p(logits, top_p)
        logits = logits if top_k is None else distributions.keep_top_k(logits, top_k)
        hidden = np.flatnonzero(x == M)
        if algorithm == "origin":
            t = np.linspace(1, eps, steps + 1).astype(np.float32)
            p = 1.0 if step == steps - 1 else 1 - t[step + 1] / t[step]
            chosen = [i for i, u in zip(hidden, draw(len(hidden)), strict=True) if u < p]
        else:
            scores = distributions.dream_score(logits, algorithm)
            k = selections.dream(len(hidden), steps, step, eps)
            chosen = selections.top_k(scores, x == M, k)
        for i in chosen:
            x[i] = logits[i].argmax()
    return Run(states, x.tolist())


def _read(
    predict: Predict, x: np.ndarray, given: np.ndarray, reading: Reading, step: int
) -> tuple[np.ndarray, np.ndarray]:
    """Proposed tokens and their scores."""
    logits = predict(x)
    if reading.guidance:
        hidden = predict(np.where(given, M, x))
        logits = hidden + (reading.guidance + 1) * (logits - hidden)
    logits[:, list(reading.forbidden)] = -np.inf
    noisy = logits
    if reading.temperature:
        draws = reading.token_draws[step][: len(x)]
        noisy = distributions.gumbel_scores(logits, reading.temperature, draws)
    tokens = noisy.argmax(-1)
    if reading.random_order:
        return tokens, reading.order_draws[step][: len(x)]
    trusted = logits.copy()
    trusted[:, list(reading.distrusted)] = -np.inf
    return tokens, distributions.softmax(trusted)[np.arange(len(x)), tokens]
