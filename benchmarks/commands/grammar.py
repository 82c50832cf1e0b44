"""`grammar`: the cost of masks, and whether random decodes end valid."""

import argparse
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.commands import grammar_tasks
from benchmarks.commands.command import Command, add_out, write_figures
from benchmarks.grammar.infilling import measure_infilling
from benchmarks.grammar.languages import NAMES, language
from benchmarks.grammar.peers import mask_times
from benchmarks.grammar.schemas import compile_s
from benchmarks.grammar.speed import fill_ms, masks_ms
from benchmarks.grammar.steps import step_share
from benchmarks.grammar.tallies import counted_decodes
from benchmarks.grammar.vocabulary import SIZE, made_vocabulary
from dllm.limits import at_least
from grammar import MASK, Vocabulary, compile_grammar

EXAMPLES = f"""\
  python -m benchmarks grammar                              (masks of all languages; minutes)
  python -m benchmarks grammar --languages json --decodes 10000 --tally tally.json --holes --fill 0
  python -m benchmarks grammar --programs 1000 --tally programs.json   (regions of C++ programs)
  python -m benchmarks grammar --languages record --vocabulary 4096 --out masks.json
  python -m benchmarks grammar --languages json --peers     (llguidance, xgrammar: extra peers)
  python -m benchmarks grammar --schemas MASKBENCH --every 10
{grammar_tasks.EXAMPLES}"""
_LEAST = {
    "vocabulary": 2048,
    "fill": 0,
    "decodes": 0,
    "length": 1,
    "every": 1,
    "programs": 0,
    "active": 1,
    "region": 1,
}
"""The least values of numbers; smaller vocabularies have no random tokens."""


def add(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    add = parser.add_argument
    add("--languages", metavar="A,B", help=f"default: {','.join(NAMES)}")
    add("--vocabulary", type=int, default=SIZE, metavar="N", help="tokens (default: %(default)s)")
    add("--holes", type=int, nargs="*", default=[32, 256], help="canvases of holes alone")
    add("--fill", type=int, default=256, help="a canvas filled at random; 0: none (%(default)s)")
    add("--forward", type=float, default=0, metavar="MS", help="steps beside such a forward (none)")
    add("--decodes", type=int, default=0, help="random decodes a language (default: none)")
    add("--length", type=int, default=48, help="the most tokens of these (default: %(default)s)")
    add("--tally", type=Path, metavar="PATH", help="a file of their counts, to go on from later")
    add("--peers", action="store_true", help="mask times of other engines too, of any JSON")
    add("--schemas", type=Path, metavar="DIR", help="also compile MaskBench's files in a folder")
    add("--every", type=int, default=1, metavar="N", help="one such file in N (%(default)s)")
    add("--programs", type=int, default=0, help="C++ programs with regions to fill (none)")
    add("--active", type=int, default=64, help="their active classes (default: %(default)s)")
    add("--region", type=int, default=8, help="tokens of a region (default: %(default)s)")
    grammar_tasks.add_options(add)
    add_out(parser, "a file for the figures")


def perform(options: argparse.Namespace) -> None:
    """Prints the figures of each language as they come, one JSON object a line, or of tasks."""
    if options.tasks is not None:
        grammar_tasks.perform(options)
        return
    grammar_tasks.refuse_own(options)
    _refuse(options)
    figures = []
    for one in _code(options) if options.programs else _masks(options):
        print(json.dumps(one), flush=True)
        figures.append(one)
    write_figures(options.out, figures)


def _refuse(options: argparse.Namespace) -> None:
    for name, least in _LEAST.items():
        at_least(f"--{name}", getattr(options, name), least)
    at_least("--holes", min(options.holes, default=1), 1)
    if options.programs and options.languages is not None:
        rule = "--programs: must be without --languages, for programs are of C++ alone"
        raise ValueError(f"{rule}, got {options.languages!r}")
    unknown = sorted(set(_languages(options)) - set(NAMES))
    if unknown:
        raise ValueError(f"--languages: must be of {', '.join(NAMES)}, got {unknown[0]!r}")
    if options.schemas is not None and not options.schemas.is_dir():
        raise ValueError(f"--schemas: must be a folder of JSON files, got {options.schemas}")


def _languages(options: argparse.Namespace) -> list[str]:
    return list(NAMES) if options.languages is None else options.languages.split(",")


def _code(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    yield measure_infilling(
        options.vocabulary, options.programs, options.active, options.region, options.tally
    )


def _masks(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    vocabulary = made_vocabulary(options.vocabulary)
    for name in _languages(options):
        yield measure(name, vocabulary, options)
    if options.peers:
        yield {"peers_us": mask_times(compile_grammar(language("json"), vocabulary))}
    if options.schemas is not None:
        yield {"compile_s": compile_s(options.schemas, options.every, vocabulary)}


def measure(name: str, vocabulary: Vocabulary, options: argparse.Namespace) -> dict[str, Any]:
    """The figures of one language."""
    grammar, begun = language(name), time.process_time()
    compiled = compile_grammar(grammar, vocabulary)
    told: dict[str, Any] = {
        "language": name,
        "compile_s": time.process_time() - begun,
        "states": len(compiled.machine.moves),
        "classes": compiled.num_classes,
        "effects": len(compiled.classes.effects),
        "nodes": len(compiled.classes.nodes),
    }
    told["masks_ms"] = {n: masks_ms(compiled, [MASK] * n) for n in options.holes}
    if options.fill:
        told["fill_ms"] = fill_ms(compiled, options.fill)
    if options.forward:
        told["step"] = step_share(compiled, max(options.holes, default=256), options.forward)
    if options.decodes:
        told["decodes"] = counted_decodes(
            name, compiled, grammar, options.decodes, options.length, options.tally
        )
    return told


COMMAND = Command(
    "grammar", "the cost of masks and the validity of random decodes", EXAMPLES, add, perform
)
