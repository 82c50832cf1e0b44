"""Compile the decode loop for a TPU slice that need not be here; say what memory it takes."""

import argparse
import json

import jax
from rich.console import Console

import dllm
from dllm.caches import KINDS
from dllm.cli import hardware
from dllm.hardware import read_hardware
from dllm.load import describe
from dllm.models.families import family_of
from dllm.models.random import preset, preset_names
from dllm.topology import Shape, compile_decode

EXAMPLES = """\
examples:
  dllm compile --hardware tpu_configs/v5e-8.toml --model llada-8b
  dllm compile --hardware tpu_configs/v6e-4.toml --model DIR --prompt 768 --length 256 --json
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of this command."""
    hardware.add_option(parser, required=True)
    add = parser.add_argument
    add("--model", default="llada-8b", help="a preset, a folder or a hub id (%(default)s)")
    add("--prompt", type=int, default=512, metavar="N", help="its positions (%(default)s)")
    add("--length", type=int, default=256, metavar="N", help="positions to write (%(default)s)")
    add("--block", type=int, default=32, metavar="N", help="positions a block (%(default)s)")
    add("--cache", choices=KINDS, help="keys and values that are kept (the file says)")
    add("--json", action="store_true", help="for machines")


def run(options: argparse.Namespace) -> int:
    """The command."""
    jax.config.update("jax_platforms", "cpu")  # else jax looks for the slice itself
    file = read_hardware(options.hardware)
    if options.model in preset_names():
        raw = preset(options.model)
        family = family_of(raw)
        config, specials = family.read_config(raw), family.read_specials(raw)
    else:
        about = describe(options.model)
        config, specials = about.config, about.specials
    shape = Shape(options.prompt, options.length, options.block)
    cache = options.cache or file.decode.cache
    rule = dllm.rule("threshold")
    taken = compile_decode(file, config, specials.mask, rule, shape, cache=cache)
    facts = {
        "hardware": file.name,
        "model": options.model,
        "batch": file.decode.batch,
        "cache": cache,
        "arguments_bytes": taken.arguments,
        "work_bytes": taken.work,
        "device_bytes": file.memory,
    }
    if options.json:
        print(json.dumps(facts))
        return 0
    gib = {name: value / 2**30 for name, value in taken._asdict().items()}
    Console().print(
        f"{file.name}, {options.model}, batch {file.decode.batch}, cache {cache}: "
        f"{gib['arguments']:.2f} GiB of parameters, rows and cache and {gib['work']:.2f} GiB of "
        f"work on each of {file.devices} devices of {file.memory_gib:g} GiB",
        soft_wrap=True,
    )
    return 0
