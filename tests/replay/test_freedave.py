"""FreeDave, FreeDave++ and their baselines: recorded and random runs, call by call."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.reference import cases
from tests.reference import freedave as twin
from tests.replay.freedave import assert_replays
from tests.replay.units import recorded
from tests.shared import needs_vectors, vector_cases

OFTEN = (
    "llada_dual_fd4_batch_expanding_g9",
    "llada_dual_fd4_tree_attention_g9",
    "llada_prefix_fd4_tree_attention_g6",
    "llada_dual_fd4_earlyexit",
    "dream_dual_fdpp4_thr0.9_g9",
    "sdar_blk4_fd4_eager",
    "sdar_blk4_fd4_tree_eager",
    "sdar_blk4_fdpp4_thr0.9_lazy",
)
"""Run by default: five programs that the random runs below share, and one more."""

CASES = [
    pytest.param(
        case,
        id=f"vectors-{case['case']}",
        marks=() if case["case"].partition("/")[2] in OFTEN else pytest.mark.slow,
    )
    for case in vector_cases("freedave")
]


@needs_vectors
@pytest.mark.parametrize("case", CASES)
def test_replays_published_run(case: dict[str, Any]) -> None:
    assert_replays(case)


FULL = {"block_length": 8, "dual_cache": True, "draft_steps": 4}
CAUSAL = {"block_length": 4, "draft_steps": 4}
KINDS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "dual": ("LLaDAModelLM", "full", FULL),
    "prefix": ("LLaDAModelLM", "full", {**FULL, "dual_cache": False}),
    "dream": ("DreamModel", "full", {**FULL, "confidence_threshold": 0.9}),
    "eager": ("SDARForCausalLM", "block", {**CAUSAL, "eager_acceptance_mode": True}),
    "lazy": (
        "SDARForCausalLM",
        "block",
        {**CAUSAL, "eager_acceptance_mode": False, "confidence_threshold": 0.9},
    ),
}
TIES: list[str] = []


def _case(kind: str, seed: int, gain: float, prompt: list[int], **changed: Any) -> dict[str, Any]:
    interface, attention, options = KINDS[kind]
    function = f"block_decode_with_{attention}_attention"
    drafts = changed.get("draft_steps", 4)
    arguments = {"function": f"{function}_FreeDave", "max_gen_length": 24, **options, **changed}
    if drafts is None:
        arguments["function"] = function
    toy = {**cases.random_toy(seed, gain), "interface": interface}
    return cases.make("freedave", arguments, prompt, toy)


PROMPTS = st.lists(st.integers(0, 20), min_size=8, max_size=12)
"""A prefix cache computes as much as the shortest prompt leaves: these go with one program."""
GAINS = st.sampled_from([4.0, 6.0, 9.0])


@pytest.mark.parametrize("kind", KINDS)
def test_loop_equals_numpy(kind: str) -> None:
    """As in `test_vectors`: a case that a move of one part in a million turns is a tie."""

    @settings(max_examples=12)
    @given(seed=st.integers(0, 10**6), gain=GAINS, prompt=PROMPTS)
    def compare(seed: int, gain: float, prompt: list[int]) -> None:
        case = _case(kind, seed, gain, prompt[:8] if kind == "prefix" else prompt)
        try:
            assert_replays(case)
        except AssertionError:
            if not cases.is_tied(case, "freedave", seed):
                raise
            TIES.append(kind)

    compare()
    assert len(TIES) <= 1


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=8)
@given(seed=st.integers(0, 10**6), gain=GAINS, prompt=PROMPTS, drafts=st.integers(1, 9))
def test_drafting_is_its_static_baseline(
    kind: str, seed: int, gain: float, prompt: list[int], drafts: int
) -> None:
    """Also with a threshold, but for its subset rule; one draft makes as many calls."""
    if kind in ("dual", "prefix", "dream"):
        _assert_baseline(kind, seed, gain, prompt, drafts, confidence_threshold=None)
    else:
        _assert_baseline(kind, seed, gain, prompt, drafts)


def _assert_baseline(
    kind: str, seed: int, gain: float, prompt: list[int], drafts: int, **changed: Any
) -> None:
    drafted = _case(kind, seed, gain, prompt, draft_steps=drafts, **changed)
    static = _case(kind, seed, gain, prompt, draft_steps=None, **changed)
    assert drafted["final"] == static["final"]
    assert drafted["nfe"] <= static["nfe"] or kind == "eager"
    if drafts == 1 and kind != "eager":
        assert drafted["nfe"] == static["nfe"]


@needs_vectors
@pytest.mark.parametrize("case", recorded("freedave_verification"))
def test_twin_verifies_as_published(case: dict[str, Any]) -> None:
    drafts, targets = (list(map(twin.np.array, case[name])) for name in ("draft", "target"))
    for rule in ("exact", "subset"):
        assert twin.verify(drafts, targets, subset=rule == "subset") == case[rule]
