"""docs/tpu.md: it shows our commands, what it names is there, its table is the committed one."""

import json
import re

from benchmarks import slices
from tests.pages import ROOT, commands

PAGE = (ROOT / "docs" / "tpu.md").read_text("utf-8")
REQUIRED = ("v5e-8", "v5p-8", "v6e-4")
"""Slices that must be in the table."""


def test_all_of_our_commands_are_shown() -> None:
    shown = {words.split()[0] for _, words in commands(PAGE)}
    assert {"compile", "info", "convert", "generate", "rows", "run", "merge", "report"} <= shown
    assert {"export", "check", "slices"} <= shown


def test_what_it_starts_is_there() -> None:
    for path in re.findall(r"tpu_configs/launch/\w[\w.]*", PAGE):
        assert (ROOT / path).is_file(), path


def test_the_table_is_of_the_committed_figures() -> None:
    figures = json.loads((ROOT / "benchmarks" / "results" / "slices.json").read_text())
    assert slices.put_into(PAGE, figures) == PAGE
    by_name = {one["slice"]: one for one in figures["programs"] if one["model"] == "llada-8b"}
    assert "Ran out of memory" in by_name["v5e-1"]["refused"]
    for name in REQUIRED:
        taken = by_name[name]
        assert 0 < taken["arguments_gib"] + taken["work_gib"] < taken["device_gib"]
    for one in figures["programs"]:
        assert ("refused" in one) == (one is by_name["v5e-1"])
