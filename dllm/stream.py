"""Text out of a model, block by block."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import jax

from dllm.constrained import Grammars, constrain_rows
from dllm.decode import Decoded, Leave, begin_memory, begin_rows, plan_program, result, run_rows
from dllm.forward import Constraint
from dllm.jobs import batch_rows, bucket
from dllm.load import Model
from dllm.requests import answer_layouts, find_rule, make_proposal, stop_strings
from dllm.results import Generation, generation
from dllm.row import Cache, Outcome, Row, Settings
from samplers import Scheduler


class Chunk(NamedTuple):
    """What a block added to a streamed answer."""

    text: str
    tokens: list[int]
    block: int
    """How many blocks have been left."""
    generation: Generation | None = None
    """The whole answer, with the last chunk."""


def stream(
    model: Model,
    prompt: Any,
    *,
    scheduler: str | Scheduler = "threshold",
    gen_length: int = 128,
    block_length: int | None = None,
    cache: str | Cache = "none",
    num_drafts: int = 1,
    accept: str = "exact",
    drafter: str = "own",
    eager: bool = False,
    seed: int = 0,
    temperature: float = 0.0,
    top_p: float | None = None,
    top_k: int | None = None,
    guidance: float | None = None,
    suppress: Sequence[int] = (),
    stop: str | Sequence[str] = (),
    chat: bool | None = None,
    grammar: Grammars = None,
    constraint: Constraint | None = None,
    scores: str = "raw",
) -> Iterator[Chunk]:
    """Answers one prompt and yields after every block; the options are those of `generate`.

    The chunks' texts add up to the text that `generate` returns.
    """
    stops = stop_strings(stop)
    (layout,) = answer_layouts(model, [prompt], gen_length, block_length, seed, chat)
    proposal = make_proposal(model, temperature, top_p, top_k, guidance, suppress, scores)
    constrained = constrain_rows(model, grammar, constraint, [layout], suppress, behind_prompt=True)
    chosen, ends = find_rule(model, scheduler), model.specials.ends
    rows = batch_rows([layout], bucket(len(layout.ids), model.config.max_length))
    settings = plan_program(
        rows,
        chosen,
        num_drafts,
        accept=accept,
        drafter=drafter,
        eager=eager,
        cache=cache,
        ends=ends,
    )
    row = begin_rows(chosen, settings, max(4096, 4 * gen_length), rows)
    memory = begin_memory(model.network, proposal, settings, row)
    text, tokens = "", 0
    while True:
        leave = Leave(block=row.block + 1)
        row, memory, _ = run_rows(
            model.network, proposal, constrained, chosen, row, memory, leave, settings=settings
        )
        block, decoded = _first(row, settings)
        running = decoded.outcome == Outcome.RUNNING
        settled = layout.blocks[block][0] if running else len(layout.ids)
        answer = generation(model, layout._replace(ids=layout.ids[:settled]), decoded, ends, stops)
        if running and answer.outcome != "ended":
            known = _certain(answer.text, stops)
            yield Chunk(known[len(text) :], answer.tokens[tokens:], block)
            text, tokens = known, len(answer.tokens)
        else:
            whole = generation(model, layout, decoded, ends, stops)
            yield Chunk(answer.text[len(text) :], answer.tokens[tokens:], block, whole)
            return


def _first(row: Row, settings: Settings) -> tuple[int, Decoded]:
    """The block that the only row of a batch has come to, and what came of it so far."""
    block, decoded = jax.device_get((row.block, result(row, settings)))
    return int(block[0]), jax.tree.map(lambda leaf: leaf[0], decoded)


def _certain(text: str, stop: Sequence[str]) -> str:
    """As much of a text as later tokens cannot change: no half character, no begun stop string."""
    text = text.rstrip("\ufffd")
    begun = max(
        (n for word in stop for n in range(1, len(word)) if text.endswith(word[:n])), default=0
    )
    return text[: len(text) - begun]
