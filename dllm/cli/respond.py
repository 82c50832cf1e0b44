"""Calls `dllm.generate` or `dllm.infill` as the options say, and prints what comes."""

import argparse
from collections.abc import Callable, Sequence
from typing import Any

import dllm
from dllm.cli.options import Printer
from dllm.cli.watch import watched


def respond(
    options: argparse.Namespace,
    model: dllm.Model,
    inputs: Sequence[Any],
    call: Callable[..., Any],
    keywords: dict[str, Any],
) -> int:
    """Prints results as they end; after Ctrl-C, what was finished."""
    printer = Printer(options, inputs)
    try:
        if options.watch:
            watched(model, inputs, call, keywords, printer, options.delay)
        else:
            call(model, inputs, on_result=printer, **keywords)
    except dllm.Interrupted as interrupt:
        printer.rest(interrupt.finished)
        raise
    return 0
