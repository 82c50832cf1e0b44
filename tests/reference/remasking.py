"""Samplers that take tokens back: RCR and ReMDM."""

import itertools

import numpy as np

from tests.reference import distributions, selections
from tests.reference.model import MASK_ID as M
from tests.reference.samplers import Predict, Run


def maskgit(
    predict: Predict,
    prompt: list[int],
    gen: int,
    block: int,
    steps: int,
    mode: str,
    *,
    rcr: bool,
) -> Run:
    """MaskGIT's schedule; with `rcr` all is written in every step and the least sure taken back."""
    x = np.array(prompt + [M] * gen)
    states = []
    record = np.full(len(x), np.inf)
    per_block = steps // (gen // block)
    for start in range(len(prompt), len(x), block):
        masks = int((x[start : start + block] == M).sum())
        left = [selections.maskgit_left(masks, per_block, i, mode) for i in range(-1, per_block)]
        for before, after in itertools.pairwise(left):
            states.append(x.tolist())
            logits = predict(x)
            tokens, scores = logits.argmax(-1), distributions.softmax(logits).max(-1)
            eligible = (x == M) & (np.arange(len(x)) < start + block)
            for i in selections.top_k(scores, eligible, before if rcr else before - after):
                x[i], record[i] = tokens[i], scores[i]
            if rcr:
                x[selections.top_k(-record, record < np.inf, after)] = M
    return Run(states, x.tolist())


def remdm(
    predict: Predict,
    prompt: list[int],
    gen: int,
    block: int,
    steps: int,
    loops: int,
    number: int,
) -> Run:
    """LLaDA with `loops` steps a block that begin by taking the `number` least sure back."""
    x = np.array(prompt + [M] * gen)
    states = []
    per_block = steps // (gen // block)
    insert = min(max(min(7 * block // 8, block - 1), 1), per_block)
    for start in range(len(prompt), len(x), block):
        shares = selections.even(int((x[start : start + block] == M).sum()), per_block)
        plan = [*shares[:insert], *[-number] * loops, *shares[insert:]]
        record = np.full(len(x), np.inf)
        for k in plan:
            if k < 0:
                again = selections.top_k(-record, record < np.inf, number)
                x[again], record[again] = M, np.inf
            states.append(x.tolist())
            logits = predict(x)
            tokens, scores = logits.argmax(-1), distributions.softmax(logits).max(-1)
            eligible = (x == M) & (np.arange(len(x)) < start + block)
            for i in selections.top_k(scores, eligible, abs(k)):
                x[i], record[i] = tokens[i], scores[i]
    return Run(states, x.tolist())
