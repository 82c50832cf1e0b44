"""Rules that are other rules at the ends of their ranges, and what each costs, on random toys."""

import math
from functools import cache
from typing import Any, NamedTuple

import jax
import numpy as np
import pytest

import dllm
from dllm.learn2pd import first_filter
from samplers.named import RULES
from tests.reference.cases import random_toy
from tests.toys import EOS, TANH_PARAMS, VOCAB, Tanh

PROMPTS = [[1, 2, 3], [4], [5, 6, 7, 8, 9], [3, 1], [20, 0, 7, 2]]
ANSWER, BLOCK, LENGTH = 12, 4, 20
BLOCKS = ANSWER // BLOCK
SEEDS = range(10)
NOBODY = 10**6
"""A token that is never proposed."""
FILTER = first_filter(BLOCK)


class Same(NamedTuple):
    """Two rules that write the same and make as many calls."""

    rule: str
    options: dict[str, Any]
    other: str
    others: dict[str, Any]

    @property
    def id(self) -> str:
        """For a test's name."""
        options = {name: value for name, value in self.options.items() if value is not FILTER}
        return f"{self.rule} {options} is {self.other} {self.others}"


ONE = ("confidence", {})
EACH_AT_ONCE = ("threshold", {"threshold": 0.0})
MIDDLE = ("threshold", {"threshold": 0.5})
SCHEDULE = ("llada", {"steps": 6})
STEPS = {"steps": 6, "max_steps": 6}
UNREACHED = dict.fromkeys(("early", "mid", "late"), 1e9)

PUBLISHED = [
    Same("threshold", {"threshold": 1.0}, "llada", {"steps": ANSWER}),
    Same(*EACH_AT_ONCE, "llada", {"steps": BLOCKS}),
    Same("localleap", {"threshold": 0.5, "relaxed_threshold": 0.5}, *MIDDLE),
    Same("llada+prophet", {**STEPS, "answer_start": 0, **UNREACHED}, *SCHEDULE),
    Same("remdm", {"steps": 6, "remdm_steps": 0}, *SCHEDULE),
    Same("llada+eoser", {**STEPS, "eos": EOS, "eos_min_gamma": 1.0}, *SCHEDULE),
    Same("learn2pd", {"tau": 1.0, "filter": FILTER}, "llada", {"steps": ANSWER}),
]
"""Those that hold of the published code."""

OWN = [
    Same("llada+eoser_published", {**STEPS, "eos": EOS, "eos_min_gamma": 1.0}, *SCHEDULE),
    Same("klass+llada", {"steps": 6, "vocab": VOCAB, "conf_threshold": 1.0}, *SCHEDULE),
    Same("factor", {"factor": 0.0}, *ONE),
    Same("factor", {"factor": 1e9}, *EACH_AT_ONCE),
    Same("factor_published", {"factor": 1e9}, *EACH_AT_ONCE),
    Same("factor_d2cache", {"factor": 0.0}, *ONE),
    Same("threshold_dinfer", {"threshold": 0.0}, *EACH_AT_ONCE),
    Same("hierarchy", {"threshold": 0.0, "low_threshold": 1.0}, *EACH_AT_ONCE),
    Same("entropy_bound", {"gamma": 0.0}, *ONE),
    Same("entropy_bound", {"gamma": 1e9}, *EACH_AT_ONCE),
    Same("entropy_bound_d2cache", {"gamma": 1e9}, *EACH_AT_ONCE),
    Same("slowfast", {"high_threshold": 0.0}, *EACH_AT_ONCE),
    Same("credit+threshold", {"vocab": VOCAB, "credit_alpha": 0.0, "threshold": 0.5}, *MIDDLE),
    Same("wino", {"threshold": 1.0}, *ONE),
    Same("wino_d2cache", {"wide_in_thres": 1.0}, *ONE),
    Same("wino", {"threshold": 0.5, "threshold_back": 0.0}, *MIDDLE),
    Same("editing", {"threshold": 0.5, "editing_threshold": 1.0, "max_post_steps": 0}, *MIDDLE),
    Same("llada+predict_eot", {**STEPS, "eos": NOBODY}, *SCHEDULE),
    Same("threshold+early_exit", {"threshold": 0.5, "eos": NOBODY}, *MIDDLE),
    Same("threshold_leading", {"threshold": 0.0}, *EACH_AT_ONCE),
    Same("threshold+early_stop", {"threshold": 0.5, "eos": NOBODY}, *MIDDLE),
    Same("threshold+block_stop", {"threshold": 0.5, "eos": NOBODY}, *MIDDLE),
    *(
        Same(name, {"tokens": BLOCK}, *EACH_AT_ONCE)
        for name in ("entropy", "margin", "random", "left_to_right", "entropy_klass")
    ),
]


class Costs(NamedTuple):
    """A rule whose calls are known beforehand."""

    rule: str
    options: dict[str, Any]
    forwards: int
    block: int = BLOCK


COSTS = [
    Costs("llada", {"steps": 6}, 6),
    Costs("llada+eoser", {**STEPS, "eos": EOS}, 6),
    Costs("llada+prophet", {**STEPS, "answer_start": 0, **dict.fromkeys(UNREACHED, 0.0)}, 1),
    Costs("dream", {"steps": 6}, 6, ANSWER),
    Costs("origin", {"steps": 6}, 6, ANSWER),
    Costs("maskgit", {"steps": 6, "blocks": BLOCKS}, 6),
    Costs("rcr", {"steps": 6, "blocks": BLOCKS}, 6),
    Costs("remdm", {"steps": 6, "remdm_steps": 2}, 6 + BLOCKS * 2),
    Costs("ass", {}, int(math.log2(ANSWER)), ANSWER),
    Costs("eoser_ass", {"eos": EOS}, int(math.log2(ANSWER)), ANSWER),
    Costs("dus", {"remasking_threshold": 0.0}, BLOCKS * int(math.log2(BLOCK))),
    Costs("threshold_dream", {"steps": 6, "threshold": 0.0}, 6, ANSWER),
    Costs("first_alone+threshold", {"threshold": 0.0}, BLOCKS * 2),
]


@cache
def _toy(seed: int) -> Tanh:
    params = random_toy(seed, 6.0)["params"]
    network = {name: params[name] for name in TANH_PARAMS}
    return Tanh(network, np.float32(6.0), params["bias"])


def _run(seed: int, batch: int, rule: str, options: dict[str, Any], **how: Any) -> dllm.Decoded:
    block = how.pop("block", BLOCK)
    prompts = PROMPTS[seed % len(PROMPTS) :][:1] if batch == 1 else PROMPTS
    rows = dllm.rows(prompts, ANSWER, block, length=LENGTH)
    return jax.device_get(dllm.decode(_toy(seed), rows, dllm.rule(rule, **options), **how))


def _check(same: Same, batch: int) -> None:
    for seed in SEEDS:
        one = _run(seed, batch, same.rule, same.options)
        other = _run(seed, batch, same.other, same.others)
        np.testing.assert_array_equal(one.canvas, other.canvas)
        np.testing.assert_array_equal(one.forwards, other.forwards)


@pytest.mark.parametrize("batch", [pytest.param(1, marks=pytest.mark.slow), 5])
@pytest.mark.parametrize("same", PUBLISHED, ids=lambda same: same.id)
def test_published_identities(same: Same, batch: int) -> None:
    _check(same, batch)


OFTEN = {"wino", "wino_d2cache", "editing", "factor_d2cache", "rcr", "remdm", "ass"}
"""Checked in every run of the tests; the others in slow ones."""


def _own(listed: Any) -> list[Any]:
    marks = [() if item.rule in OFTEN else pytest.mark.slow for item in listed]
    return [
        pytest.param(item, marks=mark, id=getattr(item, "id", item.rule))
        for item, mark in zip(listed, marks, strict=True)
    ]


@pytest.mark.parametrize("same", _own(OWN))
def test_identities(same: Same) -> None:
    _check(same, 5)


@pytest.mark.slow
@pytest.mark.parametrize("same", OWN, ids=lambda same: same.id)
def test_identities_of_one_row(same: Same) -> None:
    _check(same, 1)


def _check_costs(costs: Costs, batch: int) -> None:
    for seed in list(SEEDS)[:3]:
        ended = _run(
            seed, batch, costs.rule, costs.options, block=costs.block, reference_calls=True
        )
        assert ended.forwards.tolist() == [costs.forwards] * batch
        assert np.all(ended.outcome == dllm.Outcome.FILLED)


@pytest.mark.parametrize("costs", _own(COSTS))
def test_calls(costs: Costs) -> None:
    _check_costs(costs, 5)


@pytest.mark.slow
@pytest.mark.parametrize("costs", COSTS, ids=lambda costs: costs.rule)
def test_calls_of_one_row(costs: Costs) -> None:
    _check_costs(costs, 1)


@pytest.mark.parametrize("cache", [pytest.param("prefix", marks=pytest.mark.slow), "dual"])
def test_a_cache_takes_two_calls_a_block_at_least(cache: str) -> None:
    for spent, reference in ((1, False), (2, True)):
        ended = _run(0, 5, *EACH_AT_ONCE, cache=cache, reference_calls=reference)
        assert ended.forwards.tolist() == [BLOCKS * spent] * 5


@pytest.mark.parametrize("batch", [pytest.param(1, marks=pytest.mark.slow), 5])
def test_both_caches_are_one_over_a_single_block(batch: int) -> None:
    for seed in SEEDS:
        prefix, dual = (
            _run(seed, batch, *MIDDLE, block=ANSWER, cache=kind) for kind in ("prefix", "dual")
        )
        np.testing.assert_array_equal(prefix.canvas, dual.canvas)
        np.testing.assert_array_equal(prefix.forwards, dual.forwards)


def test_a_threshold_takes_a_call_a_block_to_a_call_a_token() -> None:
    for seed in SEEDS:
        forwards = _run(seed, 5, *MIDDLE).forwards
        assert np.all((forwards >= BLOCKS) & (forwards <= ANSWER))


def test_no_rule_is_left_out() -> None:
    texts = [same.rule for same in (*PUBLISHED, *OWN)] + [costs.rule for costs in COSTS]
    named = {name for text in texts for name in text.split("+")} | {"confidence"}
    assert named == set(RULES)
