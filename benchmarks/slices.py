"""The decode loop compiled for TPU slices that need not be here; the tables of what each takes."""

import json
import re
from collections.abc import Iterator, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

import jax

import dllm
from benchmarks.plan import shape
from dllm.hardware import Hardware, read_hardware
from dllm.models.config import Config
from dllm.topology import Shape, compile_decode

Figures = dict[str, Any]
EVERYWHERE = "llada-8b"
"""Compiled for every slice."""
OTHERS = {
    "illada-8b": "v6e-1",
    "dream-7b": "v5e-4",
    "llada-moe-7b": "v5e-4",
    "llada2-mini": "v5e-8",
    "llada2-flash": "tpu7x-8-whole",
    "sdar-1.7b": "v5e-1",
    "sdar-4b": "v6e-1",
    "sdar-8b": "v6e-1",
    "fast-dllm-v2-1.5b": "v5e-1",
    "fast-dllm-v2-7b": "v5e-4",
    "wedlm-7b": "v5e-4",
    "wedlm-8b": "v6e-1",
}
"""The slice that each other model is compiled for: one that its parameters fit, and whose devices
divide its heads."""
BEGIN, END = "<!-- slices -->", "<!-- end of slices -->"
"""What a page puts around the tables."""
_HEAD = ("model", "slice", "mesh", "cache", "batch", "held, GiB", "work, GiB", "of", "share")


class Program(NamedTuple):
    """A model, and a slice that its decode is compiled for."""

    model: str
    """A preset."""
    hardware: Hardware


def choose(folder: Path, names: Sequence[str] = ()) -> list[Program]:
    """The programs of a folder's TPU slices; all, or those whose model or slice is named.

    Raises:
        ValueError: the folder has no slices, or nothing is of a name.
    """
    files = [read_hardware(path) for path in sorted(folder.glob("*.toml"))]
    slices = {file.name: file for file in files if file.platform == "tpu"}
    if not slices:
        raise ValueError(f"slices: must be a folder with hardware files of TPUs, got {folder}")
    pairs = [*((EVERYWHERE, name) for name in slices), *OTHERS.items()]
    programs = [Program(model, slices[name]) for model, name in pairs if name in slices]
    for name in names:
        if name not in {*slices, *(program.model for program in programs)}:
            known = ", ".join([*slices, EVERYWHERE, *OTHERS])
            raise ValueError(f"slices: --only must be among {known}, got {name}")
    asked = set(names)
    return [p for p in programs if not asked or asked & {p.model, p.hardware.name}]


def about(wanted: Shape) -> Figures:
    """What is compiled, and with what.

    Raises:
        ValueError: the compiler is not installed.
    """
    try:
        compiler = metadata.version("libtpu")
    except metadata.PackageNotFoundError:
        raise ValueError("slices: needs libtpu, the compiler: pip install libtpu") from None
    versions = {"jax": jax.__version__, "libtpu": compiler}
    return {"scheduler": "threshold", **wanted._asdict(), **versions}


def describe(program: Program, wanted: Shape) -> Figures:
    """What is said of a program before it is compiled."""
    file = program.hardware
    config, _ = shape(program.model)
    return {
        "model": program.model,
        "slice": file.name,
        "devices": file.devices,
        "hosts": file.hosts,
        "mesh": [file.mesh.data, file.mesh.model],
        "dtype": file.decode.dtype,
        "cache": _cache(file, config),
        "batch": file.decode.batch,
        "block": config.causal_block or wanted.block,
        "device_gib": file.memory_gib,
    }


def measure(programs: Sequence[Program], wanted: Shape) -> Iterator[Figures]:
    """Compiles one program after another, each with the settings of its slice's file."""
    for program in programs:
        told = describe(program, wanted)
        config, specials = shape(program.model)
        own = wanted._replace(block=told["block"])
        asked = (program.hardware, config, specials.mask, dllm.rule("threshold"), own)
        try:
            taken = compile_decode(*asked, cache=told["cache"])
        except ValueError as error:
            yield {**told, "refused": str(error)}
        else:
            gib = {f"{name}_gib": round(v / 2**30, 2) for name, v in taken._asdict().items()}
            yield {**told, **gib}


def kept(path: Path | None, told: Figures, programs: Sequence[Program]) -> list[Figures]:
    """What an older file says of these programs, if it compiled the same with the same."""
    if path is None or not path.is_file():
        return []
    older = json.loads(path.read_text("utf-8"))
    if {name: older.get(name) for name in told} != told:
        return []
    wanted = Shape(told["prompt"], told["generated"], told["block"])
    same = [describe(program, wanted) for program in programs]
    return [one for one in older["programs"] if {name: one.get(name) for name in same[0]} in same]


def is_of(figures: Figures, program: Program) -> bool:
    """Whether these figures are a program's."""
    return (figures["model"], figures["slice"]) == (program.model, program.hardware.name)


def tables(figures: Figures) -> str:
    """As Markdown; memory is of one device."""
    everywhere = [one for one in figures["programs"] if one["model"] == EVERYWHERE]
    others = [one for one in figures["programs"] if one["model"] != EVERYWHERE]
    return "\n\n".join(map(_table, filter(None, (everywhere, others))))


def caption(figures: Figures) -> str:
    """What the tables are of."""
    return (
        f"Prompt {figures['prompt']}, generate {figures['generated']}, block {figures['block']} or "
        f"the model's own, rule `{figures['scheduler']}`; dtype, cache and batch are each file's, "
        "but for models whose attention goes in blocks: their cache is exact. Compiled with jax "
        f"{figures['jax']} and libtpu {figures['libtpu']}."
    )


def place_in(text: str) -> re.Match[str]:
    """Where a page has its tables.

    Raises:
        ValueError: it has no place for them.
    """
    place = re.search(f"{re.escape(BEGIN)}.*{re.escape(END)}", text, re.DOTALL)
    if place is None:
        raise ValueError(f"--page: must have {BEGIN} and {END} around its tables, got neither")
    return place


def put_into(text: str, figures: Figures) -> str:
    """A page with these tables in place of its own.

    Raises:
        ValueError: the page has no place for them.
    """
    place = place_in(text)
    block = f"{BEGIN}\n{caption(figures)}\n\n{tables(figures)}\n{END}"
    return text[: place.start()] + block + text[place.end() :]


def words(one: Figures) -> str:
    """A line on one program."""
    name = f"{one['model']} on {one['slice']}"
    if "refused" in one:
        return f"{name}: refused: {one['refused']}"
    held, work = one["arguments_gib"], one["work_gib"]
    return f"{name}: {held:.2f} GiB held, {work:.2f} GiB of work of {one['device_gib']:g}"


def _cache(file: Hardware, config: Config) -> str:
    """The file's, or the one that is exact where no position attends to a later block."""
    exact = config.causal_block is not None or config.reordered
    return "block_causal" if exact else file.decode.cache


def _table(programs: Sequence[Figures]) -> str:
    lines = ["| " + " | ".join(_HEAD) + " |", "|" + " --- |" * len(_HEAD)]
    for one in programs:
        mesh, room = " x ".join(map(str, one["mesh"])), one["device_gib"]
        cells = [one["model"], one["slice"], mesh, one["cache"], one["batch"]]
        if "refused" in one:
            cells += ["", "", f"{room:g}", f"refused: {_reason(one['refused'])}"]
        else:
            held, work = one["arguments_gib"], one["work_gib"]
            cells += [f"{held:.2f}", f"{work:.2f}", f"{room:g}", f"{(held + work) / room:.0%}"]
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines)


def _reason(error: str) -> str:
    """The sentence on memory in a compiler's message, else all of it."""
    found = re.search(r"Ran out of memory.*?(?=\. |$)", error)
    return error if found is None else found[0]
