"""docs/tpu.md: our commands parse, what it names is there, its table is the committed one."""

import json
import re
import shlex
from pathlib import Path

import pytest

from benchmarks import __main__ as benchmarks_command
from benchmarks import slices
from dllm.cli import __main__ as dllm_command

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "tpu.md").read_text("utf-8")
REQUIRED = ("v5e-8", "v5p-8", "v6e-4")
"""Slices that must be in the table."""
LINES = [
    line
    for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    for line in block.replace("\\\n", " ").splitlines()
]
OURS = [
    found
    for line in LINES
    for found in re.findall(r"(?:^|&& )(?:\.venv/bin/)?(dllm|python -m benchmarks) ([^'|]+)", line)
]


def test_all_of_our_commands_are_shown() -> None:
    shown = {words.split()[0] for _, words in OURS}
    assert {"compile", "info", "convert", "generate", "rows", "run", "merge", "report"} <= shown
    assert {"export", "check", "slices"} <= shown


@pytest.mark.parametrize(("program", "words"), OURS)
def test_a_command_parses(program: str, words: str) -> None:
    command = dllm_command if program == "dllm" else benchmarks_command
    options = command.make_parser().parse_args(shlex.split(words))
    hardware = getattr(options, "hardware", None)
    if hardware is not None and hardware.parts[0] == "tpu_configs":
        assert (ROOT / hardware).is_file()


def test_what_it_points_to_is_there() -> None:
    for target in re.findall(r"\]\(([^)#h][^)]*)\)", PAGE):
        assert (ROOT / "docs" / target).exists(), target
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
