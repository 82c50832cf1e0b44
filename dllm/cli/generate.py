"""Answer prompts."""

import argparse
from pathlib import Path
from typing import Any

import dllm
from dllm.cli import languages
from dllm.cli import options as shared
from dllm.cli.asked import FIELDS, read_requests
from dllm.cli.respond import respond
from grammar import Grammar

EXAMPLES = """\
examples:
  dllm generate "Why is the sky blue?" --model GSAI-ML/LLaDA-8B-Instruct
  dllm generate "Once upon a time" --model DIR --raw --length 64 --temperature 0.7 --watch
  dllm generate --model DIR --file prompts.txt --scheduler threshold --set threshold=0.8 --json
  dllm generate "Why is the sky blue?" --model DIR --config tuned.toml
  dllm generate "def add(" --model DIR --stop "\\n\\n" --scheduler mine.py:Rule
  dllm generate --model DIR --requests requests.jsonl --json
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of this command."""
    add = parser.add_argument
    add("prompt", nargs="*", help="one or several prompts")
    add("--length", type=int, default=128, metavar="N", help="positions to write (%(default)s)")
    add(
        "--stop",
        action="append",
        default=[],
        metavar="TEXT",
        help="ends an answer; \\n and \\t as usual",
    )
    add("--raw", action="store_true", help="no chat template")
    add(
        "--requests",
        type=Path,
        metavar="FILE",
        help=f"requests instead of prompts, one JSON object a line with {', '.join(FIELDS)}",
    )
    shared.add_decoding(parser)


def run(options: argparse.Namespace) -> int:
    """The command."""
    language = languages.chosen(options)  # before a large model is loaded
    prompts, told = _given(options, language)
    model = shared.load(options)
    keywords = {
        **shared.keywords(options, model, language),
        **told,
        "gen_length": options.length,
        "stop": [text.replace("\\n", "\n").replace("\\t", "\t") for text in options.stop],
        "chat": False if options.raw else None,
    }
    return respond(options, model, prompts, dllm.generate, keywords)


def _given(
    options: argparse.Namespace, language: Grammar | None
) -> tuple[list[Any], dict[str, Any]]:
    """The prompts, and what requests say of single rows; the others are held to `language`."""
    if options.requests is None:
        return shared.inputs(options, options.prompt, "prompt"), {}
    if options.prompt or options.file is not None:
        raise ValueError("--requests: must be given without prompts and --file, got both")
    asked = read_requests(options.requests)
    told: dict[str, Any] = {}
    own = [language if one.language is None else one.language for one in asked]
    if any(each is not None for each in own):
        told["grammar"] = own
    if any(one.seed is not None for one in asked):
        first = options.seed
        told["seed"] = [first + i if one.seed is None else one.seed for i, one in enumerate(asked)]
    return [one.prompt for one in asked], told
