"""Fill holes in templates: {{8}} is a hole of eight tokens."""

import argparse

import dllm
from dllm.cli import options as shared
from dllm.cli.watch import watched

EXAMPLES = """\
examples:
  dllm infill "The {{8}} sat on the {{4}}." --model DIR
  dllm infill --model DIR --file templates.txt --json
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of this command."""
    parser.add_argument("template", nargs="*", help='such as "The {{8}} sat"')
    shared.add_decoding(parser)


def run(options: argparse.Namespace) -> int:
    """The command."""
    templates = shared.inputs(options, options.template, "template")
    for template in templates:
        dllm.parse_template(template)  # before a large model is loaded
    model = shared.load(options)
    printer = shared.Printer(options, templates)
    keywords = shared.keywords(options, model)
    try:
        if options.watch:
            watched(model, templates, dllm.infill, keywords, printer, options.delay)
        else:
            dllm.infill(model, templates, on_result=printer, **keywords)
    except dllm.Interrupted as interrupt:
        printer.rest(interrupt.finished)
        raise
    return 0
