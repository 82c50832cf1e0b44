"""Text out of a model: answers to one or many prompts."""

from collections.abc import Callable, Sequence
from typing import Any

from dllm.canvas import Layout, PerRow
from dllm.collect import collect
from dllm.constrained import Grammars, constrain_rows
from dllm.forward import Constraint
from dllm.jobs import GLANCE, Glance, Task
from dllm.load import Model
from dllm.prompts import Prompt, listed
from dllm.requests import answer_layouts, find_rule, make_proposal, stop_strings
from dllm.results import Generation, cut, generation, text_of
from dllm.row import Cache
from samplers import Scheduler


def generate(
    model: Model,
    prompts: Prompt | Sequence[Prompt],
    *,
    scheduler: str | Scheduler = "threshold",
    gen_length: int = 128,
    block_length: int | None = None,
    cache: str | Cache = "none",
    num_drafts: int = 1,
    accept: str = "exact",
    drafter: str = "own",
    eager: bool = False,
    seed: PerRow = 0,
    temperature: float = 0.0,
    top_p: float | None = None,
    top_k: int | None = None,
    guidance: float | None = None,
    suppress: Sequence[int] = (),
    stop: str | Sequence[str] = (),
    batch: int = 8,
    lengths: Sequence[int] = (),
    chat: bool | None = None,
    grammar: Grammars = None,
    constraint: Constraint | None = None,
    scores: str = "raw",
    trajectory: bool = False,
    progress: bool | None = None,
    watch: Callable[[Sequence[Glance]], None] | None = None,
    on_result: Callable[[int, Generation], None] | None = None,
) -> Any:
    """Answers prompts; a list of `Generation` in their order, or one for a single prompt.

    Args:
        model: from `dllm.load`.
        prompts: one or many, each a text, token ids, or a conversation (`role` and `content`).
        scheduler: a rule, or its name as `dllm.rule` takes it.
        gen_length: positions to write, the most an answer can hold.
        block_length: positions a block; left out, the model's own if its attention goes in blocks,
            else the largest divisor of `gen_length` up to 32.
        cache: `prefix` or `dual` computes part of the canvas in most forwards (or a
            `dllm.Cache`). Faster, and not quite the same answer. `block_causal` is exact, and for
            models whose attention goes in blocks.
        num_drafts: guessed canvases a forward. Tokens never depend on it.
        accept: which guesses count, `exact` ones or also, as in FreeDave++, those that hold less
            than a step wrote (`subset`): fewer forwards, other tokens.
        drafter: who guesses: the rule itself (`own`), or FreeDave's published drafts (`published`;
            `published_dream` for a first position that is written alone). Tokens never depend on
            it.
        eager: guesses may reach into the next blocks. Needs the `block_causal` cache. Tokens never
            depend on it.
        seed: an int a prompt, or one s that means s + i for prompt i.
        temperature: 0 takes the likeliest token. Filters and scores: `dllm.Proposal`.
        top_p: nucleus of the distribution that tokens are drawn from.
        top_k: so many of the likeliest tokens.
        guidance: scale of classifier-free guidance; doubles the cost of a forward.
        suppress: token ids never written. The mask token never is.
        stop: texts that end an answer; they are cut off.
        batch: rows decoded together. Tokens never depend on it.
        lengths: canvas lengths to compile for, ascending; left out, up to a quarter longer than
            a row. Tokens never depend on it.
        chat: whether text goes through the chat template (left out: if there is one).
        grammar: the language of the answers, one for all or one a prompt. Every answer that ends
            `filled` or `ended` belongs to it.
        constraint: which tokens may stand where.
        scores: what rules are told of, the distribution under the constraint (`raw`) or the model's
            own (`unmasked`); `filtered` is `raw` after temperature and filters.
        trajectory: keep the canvas before every step.
        progress: show a bar (left out: on a terminal, where there is much to do).
        watch: shown the rows under way after every forward.
        on_result: told (number, answer) as prompts end.

    Raises:
        ValueError: an option out of range, no prompts, or one that does not fit the model.
        grammar.InfeasibleError: no text of the grammar fits into `gen_length` tokens; says how many
            it would need.
        Interrupted: Ctrl-C, with what was finished.
    """
    stops = stop_strings(stop)
    given, single = listed(prompts)
    layouts = answer_layouts(model, given, gen_length, block_length, seed, chat)
    proposal = make_proposal(model, temperature, top_p, top_k, guidance, suppress, scores)
    task = Task(
        find_rule(model, scheduler),
        proposal,
        batch,
        num_drafts,
        cache,
        model.specials.ends,
        constrain_rows(model, grammar, constraint, layouts, suppress, behind_prompt=True),
        trajectory,
        accept=accept,
        drafter=drafter,
        eager=eager,
        lengths=tuple(lengths),
        by_block=bool(stops),
        glance=GLANCE if watch is None else 0.0,
    )
    answers = collect(
        "generating",
        model,
        layouts,
        task,
        lambda job, decoded: generation(model, layouts[job], decoded, task.ends, stops),
        progress=progress,
        watch=watch,
        on_result=on_result,
        halt=lambda glance: bool(stops) and _says(model, layouts[glance.job], glance, stops),
    )
    return answers[0] if single else answers


def _says(model: Model, layout: Layout, glance: Glance, stop: Sequence[str]) -> bool:
    """Whether a stop string stands in the finished blocks of a row."""
    answer = glance.ids[layout.prompt : max(glance.settled, layout.prompt)]
    return cut(text_of(model.tokenizer, answer), stop)[1]
