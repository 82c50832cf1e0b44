"""Decodes of published code again, by programs that are optimised as users' are."""

import pytest

from tests.replay.test_parity import assert_decodes_alike
from tests.shared import needs_parity

OPTIMISED = True


@needs_parity
@pytest.mark.parametrize("case", ["fastdllm_v1_dual_thr", "full16_steps16"])
def test_parity_of_optimised_programs(case: str) -> None:
    assert_decodes_alike("llada", case)
