"""Every command line of pages and helps parses, and what pages point to is there."""

import re
import shlex
from pathlib import Path

import pytest

from benchmarks import __main__ as benchmarks_command
from dllm.cli import __main__ as dllm_command
from dllm.cli import learn2pd
from tests.pages import PAGES, ROOT, commands

EXAMPLES = [
    *(module.EXAMPLES for module in dllm_command.COMMANDS.values()),
    *(command.examples for command in benchmarks_command.COMMANDS),
    *(dllm_command.EXAMPLES, learn2pd.COLLECT, learn2pd.TRAIN),
    *(getattr(benchmarks_command, name) for name in ("AFTER_LOGITS", "THROUGHPUT", "TRAIN")),
]
"""Of the helps."""
TEXTS = [page.read_text("utf-8") for page in PAGES] + [f"```sh\n{text}```" for text in EXAMPLES]
OURS = sorted({found for text in TEXTS for found in commands(text)})
FILE = re.compile(r"(?:benchmarks|tpu_configs)/[\w./-]+\.toml")


def test_commands_are_found() -> None:
    assert len(OURS) >= 120


@pytest.mark.parametrize(("program", "words"), OURS)
def test_a_command_parses(program: str, words: str) -> None:
    command = dllm_command if program == "dllm" else benchmarks_command
    command.make_parser().parse_args(shlex.split(words))
    for named in FILE.findall(words):
        assert (ROOT / named).is_file()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_a_page_points_to_is_there(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#h][^)#]*)", page.read_text("utf-8")):
        assert (page.parent / target).exists(), target
