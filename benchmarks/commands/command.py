"""What a command is."""

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple


class Command(NamedTuple):
    """A command of `python -m benchmarks`."""

    name: str
    about: str
    """One line, in the list of commands."""
    examples: str
    add: Callable[[argparse.ArgumentParser], None]
    """Declares its options."""
    perform: Callable[[argparse.Namespace], None]
    """Does it; raises ValueError where an option breaks a rule."""


def add_commands(parsers: Any, commands: Sequence[Command]) -> None:
    """Adds commands to a program's."""
    for command in commands:
        parser = parsers.add_parser(
            command.name,
            help=command.about,
            description=f"{command.about[0].upper()}{command.about[1:]}.",
            epilog=f"examples:\n{command.examples}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.add(parser)
        parser.set_defaults(measure=command.perform)


def tasks_of(options: argparse.Namespace) -> list[str]:
    """What `--tasks` names."""
    return [task.strip() for task in options.tasks.split(",") if task.strip()]


def add_out(parser: argparse.ArgumentParser, what: str, *, required: bool = False) -> None:
    """The option `--out`."""
    parser.add_argument("--out", type=Path, required=required, metavar="PATH", help=what)


def write_figures(path: Path | None, figures: Any) -> None:
    """Writes figures as JSON where an option names a file, whose folder is made."""
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(figures, indent=1) + "\n", "utf-8")
