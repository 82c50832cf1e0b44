"""What the text functions share: options into layouts, proposals and rules."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dllm.canvas import Layout, PerRow, anchored_blocks, blocks, per_row_seeds
from dllm.hub import EMBEDDED, folder_of
from dllm.load import Model
from dllm.prompts import encode, refuse_too_long
from dllm.propose import Proposal
from dllm.rules import rule
from samplers import MASK, Scheduler

FILTER = "learn2pd.safetensors"
"""Beside a checkpoint's weights: the filter that was trained for it."""

BLOCK = 32
"""The default block length; LLaDA's demo and Fast-dLLM use it."""


def find_rule(model: Model, scheduler: str | Scheduler) -> Scheduler:
    """A scheduler by name, told the model's special ids, or the one that is given."""
    return rule(scheduler, ids=ids_of(model)) if isinstance(scheduler, str) else scheduler


def ids_of(model: Model) -> dict[str, Any]:
    """What rules are told of a model.

    Its special ids, how many tokens it has (`vocab`), and where Learn2PD's `filter` is, if a file
    `learn2pd.safetensors` lies in its folder. Hub ids are not looked into.
    """
    specials = {name: i for name, i in model.specials._asdict().items() if i is not None}
    return {**specials, "vocab": model.config.vocab, **_own_filter(model.name)}


def _own_filter(name: str) -> dict[str, str]:
    if name not in EMBEDDED and not Path(name).expanduser().is_dir():
        return {}
    path = folder_of(name) / FILTER
    return {"filter": str(path)} if path.is_file() else {}


def largest_block(gen_length: int) -> int:
    """The largest divisor of a length up to `BLOCK`."""
    return next((n for n in range(min(BLOCK, gen_length), 0, -1) if gen_length % n == 0), 1)


def answer_layouts(
    model: Model,
    prompts: Sequence[Any],
    gen_length: int,
    block_length: int | None,
    seed: PerRow,
    chat: bool | None,
) -> list[Layout]:
    """Prompts, each followed by the positions of its answer.

    Where attention goes in blocks, blocks are counted as the model counts them: the first may begin
    in the prompt, and the last is filled up behind the answer.
    """
    seeds = per_row_seeds(seed, len(prompts))
    own = model.config.causal_block
    default = largest_block(gen_length) if own is None else own
    cut = blocks if own is None else anchored_blocks
    made = []
    for number, (prompt, own_seed) in enumerate(zip(prompts, seeds, strict=True)):
        ids = encode(model, prompt, chat)
        bounds = cut(len(ids), gen_length, default if block_length is None else block_length)
        length = bounds[-1][1] - len(ids)
        refuse_too_long(model, number, len(ids), length)
        stop = len(ids) + gen_length
        made.append(Layout([*ids, *[MASK] * length], len(ids), bounds, own_seed, stop))
    return made


def make_proposal(
    model: Model,
    temperature: float,
    top_p: float | None,
    top_k: int | None,
    guidance: float | None,
    suppress: Sequence[int],
    scores: str = "raw",
) -> Proposal:
    """A proposal that never writes the mask token."""
    strange = [i for i in suppress if not 0 <= i < model.config.vocab]
    if strange:
        raise ValueError(
            f"suppress: token ids must be in [0, {model.config.vocab}), got {strange[0]}"
        )
    never = [model.specials.mask, *suppress]
    return Proposal(temperature, top_p, top_k, guidance, never, scores=scores)


def stop_strings(stop: str | Sequence[str]) -> tuple[str, ...]:
    """One or several texts that end an answer; an empty one would end all at once."""
    stops = (stop,) if isinstance(stop, str) and stop else tuple(stop)
    if not all(stops):
        raise ValueError(f"stop: must hold no empty text, got {stop!r}")
    return stops
