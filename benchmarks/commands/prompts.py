"""`prompts`: questions of the embedded tasks as a file, none of those that are scored."""

import argparse
import json

import numpy as np

from benchmarks.commands.command import Command, add_out, tasks_of
from benchmarks.tasks import embedded
from benchmarks.tasks.catalogue import KINDS, kind_of
from dllm.limits import at_least

EXAMPLES = """\
  python -m benchmarks prompts --count 60 --out prompts.jsonl     (for dllm learn2pd collect)
"""


def add(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    add = parser.add_argument
    add("--count", type=int, default=60, metavar="N", help="prompts in all; default: %(default)s")
    add("--tasks", default="", metavar="A,B", help="default: all, in turn")
    add("--seed", type=int, default=0, metavar="N", help="other questions")
    add_out(parser, "the file, JSON lines of messages", required=True)


def perform(options: argparse.Namespace) -> None:
    """Draws and writes."""
    at_least("--count", options.count, 1)
    at_least("--seed", options.seed, 0)
    tasks = tasks_of(options) or list(KINDS)
    for task in tasks:
        kind_of(task)
    rng, scored = np.random.default_rng(options.seed), embedded.scored_keys(tasks)
    lines = []
    for number in range(options.count):
        example = embedded.sample(tasks[number % len(tasks)], rng, exclude=scored)
        lines.append(json.dumps({"prompt": example.messages}) + "\n")
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text("".join(lines), "utf-8")
    print(f"{options.out}: {len(lines)} prompts of {len(tasks)} tasks")


COMMAND = Command("prompts", "questions as a file of prompts", EXAMPLES, add, perform)
