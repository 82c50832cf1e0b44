"""The decode loop compiled for TPU slices that need not be here; the table of what each takes."""

import json
import re
from collections.abc import Iterator, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import jax

import dllm
from benchmarks.plan import shape
from dllm.hardware import Hardware, read_hardware
from dllm.topology import Shape, compile_decode

Figures = dict[str, Any]
BEGIN, END = "<!-- slices -->", "<!-- end of slices -->"
"""What a page puts around the table."""
_HEAD = ("slice", "devices", "mesh", "batch", "held, GiB", "work, GiB", "of", "share")


def choose(folder: Path, names: Sequence[str] = ()) -> list[Hardware]:
    """The TPU slices of a folder; all, or those named.

    Raises:
        ValueError: there is none, or none of a name.
    """
    files = [read_hardware(path) for path in sorted(folder.glob("*.toml"))]
    found = {file.name: file for file in files if file.platform == "tpu"}
    if not found:
        raise ValueError(f"slices: must be a folder with hardware files of TPUs, got {folder}")
    for name in names:
        if name not in found:
            raise ValueError(f"slices: must be among {', '.join(found)}, got {name}")
    return [found[name] for name in names or found]


def about(preset: str, wanted: Shape) -> Figures:
    """What is compiled, and with what.

    Raises:
        ValueError: the compiler is not installed.
    """
    try:
        compiler = metadata.version("libtpu")
    except metadata.PackageNotFoundError:
        raise ValueError("slices: needs libtpu, the compiler: pip install libtpu") from None
    versions = {"jax": jax.__version__, "libtpu": compiler}
    return {"model": preset, "scheduler": "threshold", **wanted._asdict(), **versions}


def measure(files: Sequence[Hardware], preset: str, wanted: Shape) -> Iterator[Figures]:
    """Compiles for one slice after another, each with the settings of its file."""
    config, specials = shape(preset)
    for file in files:
        told = {
            "slice": file.name,
            "devices": file.devices,
            "hosts": file.hosts,
            "data": file.mesh.data,
            "model": file.mesh.model,
            "dtype": file.decode.dtype,
            "cache": file.decode.cache,
            "batch": file.decode.batch,
            "device_gib": file.memory_gib,
        }
        rule = dllm.rule("threshold")
        try:
            taken = compile_decode(file, config, specials.mask, rule, wanted)
        except ValueError as error:
            yield {**told, "refused": str(error)}
        else:
            gib = {f"{name}_gib": round(v / 2**30, 2) for name, v in taken._asdict().items()}
            yield {**told, **gib}


def kept(path: Path | None, told: Figures) -> dict[str, Figures]:
    """The slices of an older file that compiled the same with the same."""
    if path is None or not path.is_file():
        return {}
    older = json.loads(path.read_text("utf-8"))
    if {name: older.get(name) for name in told} != told:
        return {}
    return {one["slice"]: one for one in older["slices"]}


def table(figures: Figures) -> str:
    """As Markdown; memory is of one device."""
    lines = ["| " + " | ".join(_HEAD) + " |", "|" + " --- |" * len(_HEAD)]
    for one in figures["slices"]:
        mesh, room = f"{one['data']} x {one['model']}", one["device_gib"]
        cells = [one["slice"], one["devices"], mesh, one["batch"]]
        if "refused" in one:
            cells += ["", "", f"{room:g}", f"refused: {_reason(one['refused'])}"]
        else:
            held, work = one["arguments_gib"], one["work_gib"]
            cells += [f"{held:.2f}", f"{work:.2f}", f"{room:g}", f"{(held + work) / room:.0%}"]
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines)


def caption(figures: Figures) -> str:
    """What the table is of."""
    return (
        f"`{figures['model']}`, prompt {figures['prompt']}, generate {figures['generated']}, "
        f"block {figures['block']}, rule `{figures['scheduler']}`; dtype, cache and batch are "
        f"each file's. Compiled with jax {figures['jax']} and libtpu {figures['libtpu']}."
    )


def put_into(text: str, figures: Figures) -> str:
    """A page with this table in place of its own.

    Raises:
        ValueError: the page has no place for one.
    """
    place = re.compile(f"{re.escape(BEGIN)}.*{re.escape(END)}", re.DOTALL)
    if not place.search(text):
        raise ValueError(f"--page: must have {BEGIN} and {END}, got neither")
    block = f"{BEGIN}\n{caption(figures)}\n\n{table(figures)}\n{END}"
    return place.sub(lambda _: block, text)


def words(one: Figures) -> str:
    """A line on one slice."""
    if "refused" in one:
        return f"{one['slice']}: refused: {one['refused']}"
    held, work = one["arguments_gib"], one["work_gib"]
    return f"{one['slice']}: {held:.2f} GiB held, {work:.2f} GiB of work of {one['device_gib']:g}"


def _reason(error: str) -> str:
    """The sentence on memory in a compiler's message, else all of it."""
    found = re.search(r"Ran out of memory.*?(?=\. |$)", error)
    return error if found is None else found[0]
