"""The `dllm` command: one subcommand a file of this folder."""

import argparse
import sys
from collections.abc import Sequence

from dllm.cli import compile as compile_command
from dllm.cli import convert, generate, infill, info, init_random, learn2pd, train
from dllm.cli.cache import keep_programs
from dllm.cli.failures import status_of

COMMANDS = {
    "generate": generate,
    "infill": infill,
    "info": info,
    "init-random": init_random,
    "convert": convert,
    "compile": compile_command,
    "train": train,
    "learn2pd": learn2pd,
}
EXAMPLES = """\
examples:
  dllm generate "Why is the sky blue?" --model GSAI-ML/LLaDA-8B-Instruct
  dllm generate --model DIR --file prompts.txt --scheduler factor --set factor=0.8 --json
  dllm infill "The {{8}} sat on the {{4}}." --model DIR --watch
  dllm info DIR --batch 8 --length 1024
  dllm init-random DIR --preset llada-25m
  dllm convert GSAI-ML/LLaDA-8B-Instruct llada
  dllm compile --hardware tpu_configs/v5e-8.toml --model llada-8b
  dllm train --config tune.toml --out runs/tuned --init DIR
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command; returns its exit status."""
    options = make_parser().parse_args(arguments)
    keep_programs(options)
    return status_of(f"dllm {options.command}", lambda: options.run(options))


def make_parser() -> argparse.ArgumentParser:
    """The parser of all commands."""
    parser = argparse.ArgumentParser(
        prog="dllm",
        description="Masked-diffusion language models decoded in parallel.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, module in COMMANDS.items():
        summary = str(module.__doc__).partition("\n")[0]
        command = commands.add_parser(
            name,
            help=summary,
            description=summary,
            epilog=module.EXAMPLES,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.add_options(command)
        command.set_defaults(run=module.run)
    return parser


if __name__ == "__main__":
    sys.exit(main())
