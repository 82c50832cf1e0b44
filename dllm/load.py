"""A checkpoint in the hub's layout becomes a model."""

import dataclasses
import hashlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, Sharding, SingleDeviceSharding
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from dllm import hosts
from dllm.chat import ChatTemplate, find_template
from dllm.hub import EMBEDDED, folder_of
from dllm.models import converted
from dllm.models.config import CheckpointError, Config, Specials
from dllm.models.families import family_of
from dllm.models.family import Family
from dllm.models.network import Network, abstract
from dllm.models.safetensors import Tensor
from dllm.models.weights import Place, find_tensors, load_state, placed_state, shapes_by_path
from dllm.sharding.place import device_memory, placement, refuse_misfit
from dllm.tokenizer import (
    Tokenizer,
    find_tokenizer,
    read_json,
    refuse_other_vocabulary,
    tokenizer_config,
    with_mask,
)

DTYPES = {"float32": jnp.float32, "bfloat16": jnp.bfloat16}


@dataclasses.dataclass(frozen=True)
class Model:
    """A checkpoint, ready to decode."""

    name: str
    family: Family
    config: Config
    specials: Specials
    network: Network
    tokenizer: Tokenizer | None = None
    chat: ChatTemplate | None = None

    def __repr__(self) -> str:
        size = self.config.parameters / 1e6
        return f"Model({self.name!r}: {self.family.name}, {size:.1f}M, {self.network.dtype.name})"


@dataclasses.dataclass(frozen=True)
class Description:
    """What can be said of a checkpoint without reading its weights."""

    name: str
    folder: Path
    family: Family
    config: Config
    specials: Specials
    tokenizer: Tokenizer | None
    chat: ChatTemplate | None


def load(
    path: str | Path,
    *,
    dtype: str | None = None,
    weights: str | None = None,
    revision: str | None = None,
    place: Callable[[str, tuple[int, ...]], Sharding] | Mesh | None = None,
    causal_block: int | None = None,
    progress: bool | None = None,
) -> Model:
    """Loads a checkpoint's folder, or a hub id fetched first (weights, tokenizer and config only).

    Weights are safetensors files, or what `dllm convert` made of them.

    `dtype` is `float32` or `bfloat16`; left out, the file's own, and `float32` for an embedded
    model, which a CPU computes quicker than `bfloat16`. `weights="int8"` keeps matrices of the
    layers in int8, with a scale an output channel: half of bfloat16's memory, and logits that are a
    little off. `place` says where each parameter lives, from its path and shape, or is a mesh to
    cut the model over (`dllm.make_mesh`); left out, all are on the first device. Every device is
    given its slices of the files alone. `causal_block` says in which blocks positions attend, in
    place of the family's or the config's own length; 0 lets every position attend to every other.
    `progress` shows a bar; left out, it does so for large checkpoints on a terminal.

    Raises:
        CheckpointError: one sentence on what is missing, foreign, misshapen or cut off.
        ValueError: an unknown dtype or kind of weights, a causal_block below 0, or parameters that
            do not fit the devices of the mesh.
    """
    if dtype is not None and dtype not in DTYPES:
        raise ValueError(f"load: dtype must be one of {', '.join(DTYPES)}, got {dtype!r}")
    if weights not in (None, "int8"):
        raise ValueError(f"load: weights must be int8 or left out, got {weights!r}")
    dtype = "float32" if dtype is None and path in EMBEDDED else dtype
    about, found = _described(path, revision, causal_block)
    stored = np.dtype(DTYPES[dtype]) if dtype else _stored_dtype(found)
    graph, shapes = abstract(about.config, stored)
    mesh = place if isinstance(place, Mesh) else None
    placed = _placed(place, about.config)
    if mesh is not None:
        room = device_memory(mesh.local_devices[0])  # only a host's own devices tell it
        refuse_misfit(placed, shapes_by_path(shapes), stored.itemsize, room)
    with _Bar(about.name, found, progress) as told:
        if converted.is_converted(about.folder):
            if weights is not None:
                raise ValueError(f"load: weights {weights!r} are made of safetensors files alone")
            state = converted.restore(about.folder, placed_state(shapes, placed), found)
        else:
            table, int8 = about.family.key_table(about.config), weights == "int8"
            state = load_state(shapes, table, found, placed, told, int8=int8)
    network = Network(state, about.specials.mask, graph, mesh)
    return Model(
        about.name,
        about.family,
        about.config,
        about.specials,
        network,
        about.tokenizer,
        about.chat,
    )


def _described(
    path: str | Path, revision: str | None, causal_block: int | None
) -> tuple[Description, dict[str, Tensor]]:
    """A checkpoint and its tensors; the same on every host, or an error on all."""
    try:
        about = describe(path, revision=revision, causal_block=causal_block)
        found = stored_tensors(about.folder)
    except CheckpointError as error:
        hosts.agree({"checkpoint": f"none ({error})"})
        raise
    if hosts.several():
        hosts.agree({"checkpoint": f"{about.name} ({_digest(about, found)})"})
    return about, found


def _digest(about: Description, found: dict[str, Tensor]) -> str:
    """Of all but the numbers."""
    parts = [(tensor.name, tensor.dtype.name, tensor.shape) for tensor in found.values()]
    texts = [about.folder / name for name in ("config.json", "tokenizer.json")]
    read = [path.read_bytes() for path in texts if path.is_file()]
    return hashlib.sha256(repr((sorted(parts), read)).encode()).hexdigest()[:12]


def stored_tensors(folder: Path) -> dict[str, Tensor]:
    """All tensors of a checkpoint by name; by parameter path where it was converted."""
    return (converted.tensors if converted.is_converted(folder) else find_tensors)(folder)


def _placed(place: Place | Mesh | None, config: Config) -> Place:
    if isinstance(place, Mesh):
        return placement(place, config)
    device = SingleDeviceSharding(jax.devices()[0])
    return place or (lambda *_: device)


def describe(
    path: str | Path, *, revision: str | None = None, causal_block: int | None = None
) -> Description:
    """Reads everything of a checkpoint but its weights; `causal_block` is that of `load`."""
    if causal_block is not None and causal_block < 0:
        raise ValueError(f"load: causal_block must be at least 0, got {causal_block}")
    folder = folder_of(path, revision)
    file = folder / "config.json"
    if not file.is_file():
        raise CheckpointError(f"{folder}: not a checkpoint, config.json is not there")
    raw = with_mask(read_json(file), folder)
    family = family_of(raw)
    config = family.read_config(raw)
    if causal_block is not None:
        config = dataclasses.replace(config, causal_block=causal_block or None)
    specials = family.read_specials(raw)
    tokenizer = find_tokenizer(folder, specials.mask)
    specials = _with_tokenizer(specials, family, folder, tokenizer)
    for name, number in specials._asdict().items():
        if number is not None and not 0 <= number < config.vocab:
            raise CheckpointError(
                f"config.json: {name} id must be below the vocabulary's {config.vocab}, "
                f"got {number}"
            )
    if tokenizer is not None:
        refuse_other_vocabulary(folder, tokenizer, config.vocab)
    chat = find_template(folder) if tokenizer else None
    return Description(str(path), folder, family, config, specials, tokenizer, chat)


def _with_tokenizer(
    specials: Specials, family: Family, folder: Path, tokenizer: Tokenizer | None
) -> Specials:
    """Special ids that config.json does not know, from the tokenizer's texts."""
    if tokenizer is None:
        return specials
    named = tokenizer_config(folder)
    texts: dict[str, list[Any]] = {
        "eot": list(family.turn_ends),
        "bos": [named.get("bos_token")],
        "eos": [named.get("eos_token")],
    }
    for name, candidates in texts.items():
        texts_only = [c.get("content") if isinstance(c, dict) else c for c in candidates]
        found = [tokenizer.id_of(text) for text in texts_only]
        known = next((number for number in found if number is not None), None)
        if getattr(specials, name) is None and known is not None:
            specials = specials._replace(**{name: known})
    return specials


def _stored_dtype(found: dict[str, Tensor]) -> np.dtype:
    """The dtype that most of the weights have."""
    sizes: dict[np.dtype, int] = {}
    for tensor in found.values():
        sizes[tensor.dtype] = sizes.get(tensor.dtype, 0) + tensor.size
    stored = max(sizes, key=lambda dtype: sizes[dtype])
    return stored if stored in map(np.dtype, DTYPES.values()) else np.dtype(np.float32)


class _Bar:
    """A progress bar for weights under way; silent for small ones and away from terminals."""

    def __init__(self, name: str, found: dict[str, Tensor], show: bool | None) -> None:
        large = sum(tensor.size for tensor in found.values()) > 2**30
        self._show = (large and sys.stderr.isatty()) if show is None else show
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(binary_units=True),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._task = self._bar.add_task(f"loading {name}", total=None)

    def __enter__(self) -> Callable[[int, int], None]:
        if self._show:
            self._bar.start()
        return lambda done, total: self._bar.update(self._task, completed=done, total=total)

    def __exit__(self, *_: object) -> None:
        if self._show:
            self._bar.stop()
