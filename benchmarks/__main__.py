"""Runs a measurement by name."""

import argparse
import json
from pathlib import Path

from benchmarks import after_logits

EXAMPLES = """\
examples:
  python -m benchmarks after-logits
  python -m benchmarks after-logits --batch 8 --window 32 --vocab 126464 --drafts 4
  python -m benchmarks after-logits --scheduler threshold --out after_logits.json
"""


def main() -> None:
    """The command line of the benchmarks."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    command = commands.add_parser("after-logits", help="time of a step beyond the model")
    add = command.add_argument
    add("--batch", type=int, default=8)
    add("--window", type=int, default=32)
    add("--vocab", type=int, default=126_464)
    add("--drafts", type=int, default=1)
    add("--repeats", type=int, default=7)
    add("--scheduler", action="append", metavar="RULE", help="may be repeated; default: all plain")
    add("--out", type=Path, help="write the figures to this JSON file")
    options = parser.parse_args()
    figures = after_logits.measure(
        options.batch,
        options.window,
        options.vocab,
        options.drafts,
        options.repeats,
        options.scheduler or list(after_logits.PLAIN),
    )
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
