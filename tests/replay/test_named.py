"""Samplers that have a rule by name, recorded and random ones: the same programs serve both."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.reference import cases
from tests.replay.examples import EXAMPLES
from tests.replay.published import assert_replays
from tests.shared import needs_vectors, vector_cases

FILES = {
    "localleap": "localleap",
    "prophet": "prophet",
    "eoser_ass": "eoser",
    "klass": "klass",
    "rcr_remdm": "remask",
    "dinfer": "decoder",
    "dream": "dream_blocks",
    "learn2pd": "learn2pd",
}


def kind_of(file: str, case: dict[str, Any]) -> str | None:
    """How a case is decoded, if not by the rules of `test_vectors`."""
    arguments = case["args"]
    if file == "dinfer":
        return "decoder" if "decoder" in arguments else None
    if file == "dream":
        kinds = {"fastdllm_nocache": "dream_threshold", "fastdllm_block": "dream_blocks"}
        return kinds.get(arguments["impl"])
    if arguments.get("function") == "generate_predict_eot":
        return "predict_eot"
    return FILES[file]


CASES = [
    pytest.param(kind, case, id=f"vectors-{file}-{case['case']}")
    for file in FILES
    for case in vector_cases(file)
    if (kind := kind_of(file, case))
]


@needs_vectors
@pytest.mark.parametrize(("kind", "case"), CASES)
def test_replays_published_run(kind: str, case: dict[str, Any]) -> None:
    assert_replays(kind, case)


TIES: list[str] = []


LARGE = {"dream_blocks"}
"""Kinds of many programs; recorded runs try them often enough."""


@pytest.mark.parametrize(
    "kind",
    [pytest.param(kind, marks=pytest.mark.slow) if kind in LARGE else kind for kind in EXAMPLES],
)
def test_loop_equals_numpy(kind: str) -> None:
    """As in `test_vectors`: a case that a move of one part in a million turns is a tie."""

    @settings(max_examples=20)
    @given(
        args=EXAMPLES[kind],
        seed=st.integers(0, 10**6),
        gain=st.sampled_from([4.0, 6.0, 9.0]),
        prompt=st.lists(st.integers(0, 20), min_size=1, max_size=9),
    )
    def compare(args: dict[str, Any], seed: int, gain: float, prompt: list[int]) -> None:
        case = cases.make(kind, args, prompt, cases.random_toy(seed, gain))
        try:
            assert_replays(kind, case)
        except AssertionError:
            if not cases.is_tied(case, kind, seed):
                raise
            TIES.append(kind)

    compare()
    assert len(TIES) <= 1
