"""Options that `generate` and `infill` share."""

import argparse
import json
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

import dllm
from dllm.caches import KINDS
from dllm.cli import cache, hardware, languages
from dllm.cli.interrupts import undisturbed
from dllm.drafts import ACCEPTS, DRAFTERS
from dllm.limits import at_least
from dllm.load import DTYPES, Model
from dllm.propose import SCORES
from dllm.requests import find_rule, ids_of
from dllm.results import Generation
from grammar import Grammar
from samplers import Scheduler

RULE = "threshold"
_CHOSEN = "chosen"
_WAY = ("block_length", "drafts", "cache")


def add_decoding(parser: argparse.ArgumentParser) -> None:
    """The model, the rule, sampling, output."""
    add = parser.add_argument_group("model").add_argument
    add(
        "--model",
        default="tiny",
        metavar="DIR|ID",
        help="a checkpoint's folder or hub id (default: %(default)s, which comes with the package)",
    )
    add("--dtype", choices=DTYPES, help="of the weights (default: the file's own)")
    add("--weights", choices=["int8"], help="keep matrices in int8, half of bfloat16's memory")
    hardware.add_options(parser)
    add = parser.add_argument_group("decoding").add_argument
    add("--scheduler", metavar="RULE", help=f"default: {RULE}")
    add("--config", type=Path, metavar="FILE", help="take both from a file that tuning has written")
    add("--set", action="append", default=[], metavar="KEY=VALUE", help="an option of the rule")
    add("--block", type=int, metavar="N", help="positions a block")
    add(
        "--cache",
        choices=KINDS,
        help="keys and values kept between forwards (default: none, or the hardware file's)",
    )
    add(
        "--refresh",
        type=int,
        metavar="N",
        help="full forwards every N steps of a block make the cache anew (default: at its start)",
    )
    add("--drafts", type=int, metavar="N", help="guessed canvases a forward (default: 1)")
    add(
        "--drafter",
        choices=DRAFTERS,
        default="own",
        help="who guesses: the rule itself (own, the default), or FreeDave's published drafts",
    )
    add(
        "--accept",
        choices=ACCEPTS,
        default="exact",
        help="which guesses count: exact ones (the default), or also those that hold less than a "
        "step wrote (subset), which changes tokens",
    )
    add(
        "--eager",
        action="store_true",
        help="guesses may reach into the next blocks (--cache block_causal)",
    )
    add(
        "--batch",
        type=int,
        metavar="N",
        help=f"rows at a time (default: {hardware.BATCH}, or the hardware file's)",
    )
    add("--seed", type=int, default=0, help="of the first prompt; the next has the next")
    add("--temperature", type=float, default=0.0, help="0 takes the likeliest token")
    add("--top-p", type=float)
    add("--top-k", type=int)
    add("--guidance", type=float, help="scale of classifier-free guidance")
    add("--scores", choices=SCORES, default="raw", help="what rules see (default: %(default)s)")
    languages.add_options(parser)
    add = parser.add_argument_group("output").add_argument
    add("--file", type=Path, help="more input, one a line; - is standard input")
    add("--json", action="store_true", help="one JSON object a result, as they end")
    add("--watch", action="store_true", help="show the canvas filling")
    add("--delay", type=float, default=0.0, metavar="S", help="seconds a frame with --watch")
    add("--quiet", action="store_true", help="no progress bar and no figures")
    cache.add_options(parser)


def inputs(options: argparse.Namespace, given: Sequence[str], what: str) -> list[str]:
    """What stands on the command line, then the lines of `--file`.

    Raises:
        ValueError: there is nothing, or the file is not UTF-8.
    """
    texts = list(given)
    if options.file is not None:
        raw = sys.stdin.buffer.read() if str(options.file) == "-" else options.file.read_bytes()
        try:
            texts += [line.rstrip("\r") for line in raw.decode("utf-8").split("\n")]
        except UnicodeDecodeError as error:
            raise ValueError(f"{options.file}: not UTF-8 (byte {error.start})") from None
    texts = [text for text in texts if text.strip()]
    if not texts:
        raise ValueError(f"needs at least one {what}, on the command line or with --file")
    return texts


def scheduler(options: argparse.Namespace, model: Model) -> Scheduler:
    """The one rule that the options or their config name."""
    if options.config is not None:
        named, values, _ = _chosen(options)
        return dllm.rule(named, ids=ids_of(model), **values)
    named = options.scheduler or RULE
    if not options.set:
        return find_rule(model, named)
    choices = dllm.sweep(named, options.set, ids=ids_of(model))
    if len(choices) > 1:
        raise ValueError(f"--set: needs one value each, got {len(choices)} combinations")
    return choices[0].scheduler


def _way(options: argparse.Namespace) -> dict[str, Any]:
    """Blocks, drafts and the cache: as the options say, else as their config does."""
    given = {"block_length": options.block, "drafts": options.drafts, "cache": options.cache}
    told = {} if options.config is None else _chosen(options)[2]
    return told | {key: value for key, value in given.items() if value is not None}


def _chosen(options: argparse.Namespace) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """The rule of a config, its options, and how its rows are decoded.

    Raises:
        ValueError: the file has no rule, or the command line names another.
    """
    path: Path = options.config
    if options.scheduler is not None or options.set:
        given = "--set" if options.scheduler is None else "--scheduler"
        raise ValueError(f"--config: {path} names the rule and its options; leave out {given}")
    try:
        told = tomllib.loads(path.read_text("utf-8"))[_CHOSEN]
        named, values = told["scheduler"], dict(told["options"])
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, KeyError, TypeError, ValueError):
        raise ValueError(
            f"--config: {path} must be TOML with scheduler and options in [{_CHOSEN}]"
        ) from None
    return named, values, {key: values.pop(key) for key in _WAY if key in values}


def load(options: argparse.Namespace) -> Model:
    """The model that the options name, on the hardware that they name."""
    file = hardware.read(options)
    mesh = None if file is None else hardware.mesh(file, options)
    dtype = options.dtype if file is None else options.dtype or file.decode.dtype
    progress = False if options.quiet else None
    return dllm.load(
        options.model, dtype=dtype, weights=options.weights, place=mesh, progress=progress
    )


def keywords(options: argparse.Namespace, model: Model, language: Grammar | None) -> dict[str, Any]:
    """The options as keyword arguments of `dllm.generate` and `dllm.infill`."""
    at_least("--delay", options.delay, 0)
    way, told = _way(options), hardware.decoding(options)
    return {
        "scheduler": scheduler(options, model),
        "block_length": way.get("block_length"),
        **told,
        "cache": _refreshed(way.get("cache", told["cache"]), options.refresh),
        "num_drafts": way.get("drafts", 1),
        "accept": options.accept,
        "drafter": options.drafter,
        "eager": options.eager,
        "seed": options.seed,
        "temperature": options.temperature,
        "top_p": options.top_p,
        "top_k": options.top_k,
        "guidance": options.guidance,
        "scores": options.scores,
        "grammar": language,
        "progress": False if options.quiet or options.watch else None,
    }


def _refreshed(kind: str, steps: int | None) -> str | dllm.Cache:
    """The cache, made anew every so many steps of a block."""
    if steps is None:
        return kind
    if kind == "none":
        raise ValueError(f"--refresh: needs a cache, prefix or dual, got {steps} and --cache none")
    return dllm.Cache(kind, steps)


class Printer:
    """Prints results in order, each as soon as those before it are there."""

    def __init__(self, options: argparse.Namespace, inputs: Sequence[Any]) -> None:
        self._options, self._inputs = options, inputs
        self._known: dict[int, Generation] = {}
        self._next = 0

    def __call__(self, number: int, result: Generation) -> None:
        self._known[number] = result
        with undisturbed():
            while self._next in self._known:
                self._print(self._next, self._known[self._next])
                self._next += 1

    def rest(self, finished: Sequence[Generation | None]) -> None:
        """Prints what waits for an earlier one that will not come."""
        with undisturbed():
            for number, result in enumerate(finished):
                if number >= self._next and result is not None:
                    self._print(number, result)

    def _print(self, number: int, result: Generation) -> None:
        if self._options.json:
            line = {"index": number, "input": self._inputs[number], **result.as_json()}
            print(json.dumps(line), flush=True)  # ASCII: some readers split at U+2028 and its like
            return
        if len(self._inputs) > 1 and not self._options.quiet:
            title = Text(f"{number + 1}: {self._inputs[number]!s:.60}")
            Console(stderr=True).rule(title, align="left")
        print(result.text, flush=True)
        if not self._options.quiet:
            Console(stderr=True).print(_figures(result), style="dim", markup=False)


def _figures(result: Generation) -> str:
    drafted = f", {result.evaluations} evaluations" if result.evaluations > result.forwards else ""
    return (
        f"{result.outcome}: {result.forwards} forwards{drafted}, "
        f"{result.tokens_per_step:.2f} tokens a step, seed {result.seed}"
    )
