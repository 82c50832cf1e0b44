"""LLaDA, with as many heads of keys as of queries and with fewer."""

from pathlib import Path

import pytest

from tests.checkpoints import small_config
from tests.families.agree import assert_agrees

TINY = {"llada": small_config(), "llada_gqa": small_config(n_kv_heads=2)}


@pytest.mark.parametrize("name", [pytest.param("llada", marks=pytest.mark.slow), "llada_gqa"])
def test_equals_numpy(tmp_path: Path, name: str) -> None:
    assert_agrees(tmp_path, TINY[name])
