"""The code in the documentation runs, in order, as one program a page."""

import re
from pathlib import Path

import pytest

import dllm
from tests import checkpoints

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"```python\n(.*?)```", re.DOTALL)


@pytest.fixture(autouse=True)
def a_small_model(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Stands in for the public models that a page loads."""
    folder = checkpoints.make(tmp_path / "model", max_sequence_length=1024)
    small = dllm.load(folder)
    monkeypatch.setattr(dllm, "load", lambda name: small)


@pytest.mark.parametrize("page", ["docs/write-a-scheduler.md", "README.md"])
def test_code_on_page_runs(page: str) -> None:
    blocks = BLOCK.findall((ROOT / page).read_text())
    assert blocks
    exec(compile("\n".join(blocks), page, "exec"), {"__name__": "page"})
