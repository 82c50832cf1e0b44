"""Train a checkpoint on examples, or a new model from scratch."""

import argparse
import dataclasses
from pathlib import Path

from dllm.cli import cache

EXAMPLES = """\
examples:
  dllm train --config tune.toml --out runs/tuned --init GSAI-ML/LLaDA-8B-Instruct
  dllm train --config scratch.toml --out runs/first --steps 500 --quiet
  dllm generate "Why is the sky blue?" --model runs/tuned/model

The same command continues a run that was cut off. A config:

  [data]
  files = ["train.jsonl"]       # rows {"prompt": text or messages, "answer": text}
  [[shapes]]
  positions = 256               # of a row, prompt and answer
  answer = 64
  batch = 32
  [optimizer]
  steps = 2000
  learning_rate = 1e-4
  warmup = 100
  ema = 0.999
  [run]
  dtype = "bfloat16"
  accumulate = 4

From scratch, [model] names a tokenizer's folder and [model.config] holds a config.json.
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of this command."""
    add = parser.add_argument
    add("--config", type=Path, required=True, metavar="FILE.toml", help="what to train and how")
    add(
        "--out",
        type=Path,
        required=True,
        metavar="DIR",
        help="gets metrics.jsonl, checkpoints/ and the trained model/",
    )
    add("--init", metavar="DIR|ID", help="the checkpoint to start from, before the config's")
    add("--steps", type=int, metavar="N", help="instead of the config's")
    add("--quiet", action="store_true", help="no progress bar")
    cache.add_options(parser)


def run(options: argparse.Namespace) -> int:
    """The command."""
    # Not at the top: optax and orbax would be read at the start of every command.
    from dllm import train

    settings = train.read_settings(options.config)
    if options.init is not None:
        model = train.ModelSettings(init=options.init)
        settings = dataclasses.replace(settings, model=model)
    if options.steps is not None:
        optimizer = dataclasses.replace(settings.optimizer, steps=options.steps)
        settings = dataclasses.replace(settings, optimizer=optimizer)
    if not settings.data.files:
        raise ValueError(f"{options.config}: data.files must name at least one file, got none")
    source = train.jsonl_source(*settings.data.files)
    held_out = settings.data.evaluate
    train.train(
        settings,
        source,
        out=options.out,
        evaluate=train.HeldOut(settings, train.jsonl_source(*held_out)) if held_out else None,
        progress=False if options.quiet else None,
    )
    print(options.out / "model")
    return 0
