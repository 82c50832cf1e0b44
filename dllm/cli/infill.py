"""Fill holes in templates: {{8}} is a hole of eight tokens."""

import argparse

import dllm
from dllm.cli import languages
from dllm.cli import options as shared
from dllm.cli.respond import respond

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
        dllm.parse_template(template)  # both before a large model is loaded
    language = languages.chosen(options)
    model = shared.load(options)
    keywords = shared.keywords(options, model, language)
    return respond(options, model, templates, dllm.infill, keywords)
