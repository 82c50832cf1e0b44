"""Dream, Dream-Coder and DiffuCoder."""

from pathlib import Path

import pytest

from tests.families.agree import assert_agrees
from tests.parity.shapes import QWEN

TINY = {
    "dream": {**QWEN, "architectures": ["DreamModel"], "model_type": "Dream", "mask_token_id": 90}
}


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(TINY))
def test_equals_numpy(tmp_path: Path, name: str) -> None:
    assert_agrees(tmp_path, TINY[name])
