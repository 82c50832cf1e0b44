"""The canvas in the terminal, forward by forward."""

import itertools
import time
from collections.abc import Callable, Sequence
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.text import Text

from dllm.jobs import Glance
from dllm.load import Model
from dllm.results import Generation, text_of
from samplers import MASK


def watched(
    model: Model,
    inputs: Sequence[Any],
    call: Callable[..., Any],
    keywords: dict[str, Any],
    printer: Callable[[int, Generation], None],
    delay: float = 0.0,
) -> None:
    """Calls `dllm.generate` or `dllm.infill` under a live picture; prints the results after it."""
    before: dict[int, Sequence[int]] = {}
    results: list[tuple[int, Generation]] = []

    def show(glances: Sequence[Glance]) -> None:
        live.update(Group(*(_panel(model, g, before.get(g.job, g.ids)) for g in glances)))
        live.refresh()
        before.update((glance.job, glance.ids) for glance in glances)
        time.sleep(delay)

    try:
        with Live(console=Console(stderr=True), auto_refresh=False, transient=True) as live:
            call(
                model,
                inputs,
                watch=show,
                on_result=lambda number, result: results.append((number, result)),
                **keywords,
            )
    finally:
        for number, result in results:
            printer(number, result)


def _panel(model: Model, glance: Glance, before: Sequence[int]) -> Panel:
    text = Text()
    marked = zip(glance.ids, map(_style, glance.ids, before), strict=True)
    for style, run in itertools.groupby(marked, key=lambda pair: pair[1]):
        ids = [token for token, _ in run]
        text.append("·" * len(ids) if style == "dim" else text_of(model.tokenizer, ids), style)
    left = sum(token == MASK for token in glance.ids)
    return Panel(text, title=f"{glance.job + 1}", subtitle=f"{left} undecided", title_align="left")


def _style(token: int, before: int) -> str:
    if token == MASK:
        return "dim"
    return "bold green" if before == MASK else ""
