"""The model that a command is about, and what it is asked."""

import argparse
from collections.abc import Callable
from pathlib import Path

import dllm
from benchmarks import suites
from benchmarks.commands.command import tasks_of
from benchmarks.oracles.subject import PREFIX, oracle
from benchmarks.runner.subject import Checkpoint, Subject
from benchmarks.texts.grammar import Grammar
from dllm.cli import hardware
from dllm.hardware import Hardware
from dllm.sharding.cores import mesh_of_cores


def add_asked(add: Callable[..., object]) -> None:
    """Declares `--model`, `--weights`, `--suite` and `--rows`."""
    what = "a folder, a hub id, tiny, or oracle:TASK; default: %(default)s"
    add("--model", default="tiny", metavar="NAME", help=what)
    add("--weights", choices=["int8"], help="keep matrices in int8, half of bfloat16's memory")
    add("--suite", choices=suites.SUITES, default="embedded", help="default: %(default)s")
    add("--rows", type=Path, metavar="DIR", help="ParallelBench's rows, for --suite official")


def is_oracle(options: argparse.Namespace) -> bool:
    """Whether `--model` is an exact distribution rather than a checkpoint."""
    return options.model.startswith(PREFIX)


def asked(
    options: argparse.Namespace,
    *,
    limit: int | None,
    texts: bool,
    grammar: Grammar | None = None,
    file: Hardware | None = None,
    rows: int = 1,
) -> tuple[Subject, str, list[suites.Question]]:
    """The model, and the name and the questions of its suite.

    Args:
        options: with `model`, `weights`, `suite`, `rows` and `tasks`.
        limit: examples a task; left out, as many as the suite has.
        texts: whether text tasks are asked where no task is named.
        grammar: grades them.
        file: how the model is cut over the devices.
        rows: decoded at a time; without a file, the host's cores share them.

    Raises:
        ValueError: something named is not there, or the model asks its own questions.
    """
    tasks = tasks_of(options)
    if not is_oracle(options):
        questions = suites.ask(options.suite, tasks, limit, options.rows, texts=texts)
        checkpoint = Checkpoint(_load(options, file, rows), grammar)
        checkpoint.about  # noqa: B018  (asks devices of all hosts: now, when all do)
        return checkpoint, options.suite, questions
    given = {
        "--tasks": bool(tasks),
        "--rows": options.rows is not None,
        "--suite": options.suite != "embedded",
        "--hardware": file is not None,
        "--weights": options.weights is not None,
    }
    foreign = [name for name, told in given.items() if told]
    if foreign:
        raise ValueError(f"model: {options.model} asks its own questions and takes no {foreign[0]}")
    exact = oracle(options.model)
    return exact, "oracle", exact.questions(limit)


def _load(options: argparse.Namespace, file: Hardware | None, rows: int) -> dllm.Model:
    kept = options.weights
    if file is None:
        return dllm.load(options.model, weights=kept, place=mesh_of_cores(rows))
    mesh = hardware.mesh(file, options)
    return dllm.load(options.model, dtype=file.decode.dtype, weights=kept, place=mesh)
