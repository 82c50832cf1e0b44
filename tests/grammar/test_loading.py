"""Packages of inner loops: as they are written, compiled, and compiled anew when a file changes."""

import sys
from pathlib import Path

import pytest

from grammar.loading import load_kernels

OUTER = """
from grammar.loading import kernel

from .inner import more

@kernel
def answer(number):
    return more(number)
"""
INNER = """
from grammar.loading import kernel

@kernel
def more(number):
    return number + {}
"""


def write(folder: Path, added: int) -> None:
    (folder / "inner.py").write_text(INNER.format(added))
    if not (folder / "__init__.py").exists():
        (folder / "__init__.py").write_text(OUTER)


def test_plain_functions_need_no_compiler(tmp_path: Path) -> None:
    write(tmp_path, 1)
    assert load_kernels(tmp_path, compiled=False).answer(1) == 2


def test_a_change_of_a_called_file_is_seen(tmp_path: Path) -> None:
    """The caller's own file stays as it is; what numba kept of it must not be taken."""
    pytest.importorskip("numba", reason="numba is absent (extra: grammar)")
    load = load_kernels.__wrapped__  # past what is loaded already
    for added in (1, 2):
        write(tmp_path, added)
        package = load(tmp_path)
        assert package.answer(1) == 1 + added
        for name in (package.__name__, f"{package.__name__}.inner"):
            del sys.modules[name]
