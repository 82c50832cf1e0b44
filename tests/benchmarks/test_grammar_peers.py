"""Peers are imported without what they only name."""

import sys
from pathlib import Path

import pytest

from benchmarks.grammar.peers import import_without

SOURCE = """\
import absent_one
from absent_two import Base
FULL = absent_one.tensor(-1, dtype=absent_one.int32)
class Own(Base):
    def said(self, of: absent_one.Tensor) -> int:
        return 7
"""


def test_what_a_peer_only_names_is_stood_in_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "peer_that_names.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(str(tmp_path))
    peer = import_without("peer_that_names", ("absent_one", "absent_two", "json"))
    assert peer.Own().said(None) == 7
    assert not {"absent_one", "absent_two"} & set(sys.modules)
    assert sys.modules["json"].loads("1") == 1


def test_what_is_missing_for_good_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "peer_that_needs.py").write_text("import absent_three")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ModuleNotFoundError, match="absent_three"):
        import_without("peer_that_needs", ("absent_one",))
    assert "absent_one" not in sys.modules
