"""Templates with holes: `infill(model, ["The ", Hole(8), " sat"])`."""

import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from dllm.canvas import Layout, PerRow, blocks, per_row_seeds
from dllm.collect import collect
from dllm.constrained import Grammars, constrain_rows
from dllm.forward import Constraint
from dllm.jobs import GLANCE, Glance, Task
from dllm.load import Model
from dllm.requests import find_rule, make_proposal
from dllm.results import Infilling, infilling
from dllm.row import Cache
from samplers import MASK, Scheduler

_HOLE = re.compile(r"\{\{\s*(\d+)\s*\}\}")


class Hole(NamedTuple):
    """A place for so many tokens."""

    length: int


Template = Sequence[str | Hole]


def parse_template(text: str) -> list[str | Hole]:
    """`"The {{8}} sat"` as texts and holes.

    Raises:
        ValueError: there is no hole.
    """
    pieces: list[str | Hole] = []
    for number, piece in enumerate(_HOLE.split(text)):
        if number % 2:
            pieces.append(Hole(int(piece)))
        elif piece:
            pieces.append(piece)
    if not any(isinstance(piece, Hole) for piece in pieces):
        raise ValueError(f"template: must hold at least one hole such as {{{{8}}}}, got {text!r}")
    return pieces


def infill(
    model: Model,
    templates: str | Template | Sequence[str | Template],
    *,
    scheduler: str | Scheduler = "threshold",
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
    suppress: Sequence[int] | None = None,
    batch: int = 8,
    lengths: Sequence[int] = (),
    grammar: Grammars = None,
    constraint: Constraint | None = None,
    scores: str = "raw",
    trajectory: bool = False,
    progress: bool | None = None,
    watch: Callable[[Sequence[Glance]], None] | None = None,
    on_result: Callable[[int, Infilling], None] | None = None,
) -> Any:
    """Fills the holes of templates; a list of `Infilling`, or one for a single template.

    A template is a list of texts and `Hole`s, or a text such as `"The {{8}} sat"`. Each hole is a
    block, decoded in order, or several if `block_length` divides it; all of the template is seen
    from the start. Special tokens are never written unless `suppress` says so. A `grammar` is about
    the whole template, texts and holes. The other options are those of `generate`.
    """
    given, single = _listed(templates)
    plans = [plan(model, template) for template in given]
    seeds = per_row_seeds(seed, len(plans))
    layouts = [
        _layout(model, number, own, block_length, own_seed)
        for number, (own, own_seed) in enumerate(zip(plans, seeds, strict=True))
    ]
    never = model.specials.ids if suppress is None else suppress
    task = Task(
        find_rule(model, scheduler),
        make_proposal(model, temperature, top_p, top_k, guidance, never, scores),
        batch,
        num_drafts,
        constraint=constrain_rows(model, grammar, constraint, layouts, never, behind_prompt=False),
        trajectory=trajectory,
        accept=accept,
        drafter=drafter,
        eager=eager,
        cache=cache,
        lengths=tuple(lengths),
        glance=GLANCE if watch is None else 0.0,
    )
    filled = collect(
        "filling",
        model,
        layouts,
        task,
        lambda job, decoded: infilling(
            model, plans[job].pieces, plans[job].spans, layouts[job], decoded
        ),
        progress=progress,
        watch=watch,
        on_result=on_result,
    )
    return filled[0] if single else filled


class _Plan(NamedTuple):
    """A template as token ids."""

    pieces: list[str | int]
    ids: list[int]
    spans: list[tuple[int, int]]


def _listed(templates: Any) -> tuple[list[Template], bool]:
    if isinstance(templates, str):
        return [parse_template(templates)], True
    if not len(templates):
        raise ValueError("templates: must hold at least one, got none")
    if any(isinstance(piece, Hole) for piece in templates):
        return [templates], True
    return [parse_template(t) if isinstance(t, str) else t for t in templates], False


def plan(model: Model, template: Sequence[Any]) -> _Plan:
    """A template's token ids, and where its holes lie.

    Raises:
        ValueError: a hole of no tokens, or no hole at all.
        TypeError: a piece that is neither text nor hole.
    """
    if model.tokenizer is None:
        raise ValueError(f"{model.name}: has no tokenizer, which templates need")
    made = _Plan([], [], [])
    for piece in template:
        if isinstance(piece, Hole):
            if piece.length < 1:
                raise ValueError(f"template: a hole must have at least 1 token, got {piece.length}")
            made.spans.append((len(made.ids), len(made.ids) + piece.length))
            made.pieces.append(piece.length)
            made.ids.extend([MASK] * piece.length)
        elif not isinstance(piece, str):
            raise TypeError(f"template: must hold texts and holes, got {piece!r}")
        else:
            made.pieces.append(piece)
            made.ids.extend(model.tokenizer.encode(piece))
    if not made.spans:
        raise ValueError(f"template: must hold at least one hole, got {list(template)!r}")
    return made


def _layout(model: Model, number: int, plan: _Plan, block_length: int | None, seed: int) -> Layout:
    most = model.config.max_length
    if len(plan.ids) > most:
        raise ValueError(
            f"template {number}: {len(plan.ids)} tokens must fit the model's {most} positions"
        )
    bounds = [
        bound for start, end in plan.spans for bound in blocks(start, end - start, block_length)
    ]
    return Layout(plan.ids, plan.spans[0][0], bounds, seed)
