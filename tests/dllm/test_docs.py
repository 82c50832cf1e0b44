"""The code in the documentation runs, in order, as one program a page."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"```python\n(.*?)```", re.DOTALL)


@pytest.mark.parametrize("page", ["docs/write-a-scheduler.md", "README.md"])
def test_code_on_page_runs(page: str) -> None:
    blocks = BLOCK.findall((ROOT / page).read_text())
    assert blocks
    exec(compile("\n".join(blocks), page, "exec"), {"__name__": "page"})
