"""A model back into a checkpoint's folder, in the hub's layout."""

import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import jax
import numpy as np
from flax import nnx

from dllm.hub import PATTERNS
from dllm.load import DTYPES, Model
from dllm.models.config import CheckpointError
from dllm.models.int8 import is_int8
from dllm.models.random import SHARD, _write
from dllm.tokenizer import read_json


def save(
    model: Model,
    folder: str | Path,
    *,
    files: str | Path,
    dtype: str = "bfloat16",
    shard: int = SHARD,
) -> Path:
    """Writes a checkpoint that `dllm.load` reads, under the family's own tensor names.

    config.json, the tokenizer and the chat template are copied from the folder `files`, which the
    model came from. All is written beside the target first: an export that is cut off changes
    nothing there. What else lies there stays; a filter (`learn2pd.safetensors`) is of the weights
    before and should be trained anew.

    Raises:
        ValueError: an unknown dtype, or weights that are kept in int8.
        CheckpointError: config.json describes another model.
    """
    if dtype not in DTYPES:
        raise ValueError(f"export: dtype must be one of {', '.join(DTYPES)}, got {dtype!r}")
    if is_int8(model.network.state):
        raise ValueError(
            f"export: {model.name} keeps its weights in int8, which are rounded and have no "
            "tensors of their own in a checkpoint; load it without weights='int8'"
        )
    raw = read_json(Path(files) / "config.json")
    if model.family.read_config(raw) != model.config:
        raise CheckpointError(f"{files}: config.json must describe the model that is exported")
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".export-") as name:
        made = Path(name)
        copy_texts(Path(files), made)
        raw |= {"torch_dtype": dtype} if "torch_dtype" in raw else {}
        (made / "config.json").write_text(json.dumps(raw, indent=1) + "\n", "utf-8")
        _write(made, _tensors(model, dtype), model.config, dtype, shard, None)
        for path in folder.glob("model*.safetensors*"):
            path.unlink()
        for path in made.iterdir():
            path.replace(folder / path.name)
    return folder


def copy_texts(source: Path, folder: Path) -> None:
    """Copies all of a checkpoint but its weights."""
    for pattern in PATTERNS:
        for path in source.glob(pattern):
            if "safetensors" not in path.name:
                shutil.copyfile(path, folder / path.name)


def _tensors(model: Model, dtype: str) -> Iterator[tuple[str, np.ndarray]]:
    """One at a time, so that no second copy of all weights is held."""
    state = {".".join(map(str, k)): v for k, v in nnx.to_flat_state(model.network.state)}
    for name, entry in model.family.key_table(model.config).items():
        if entry.copy:
            continue
        whole = [state[path][...] for path in entry.paths]
        own = whole if entry.expert is None else [part[entry.expert] for part in whole]
        rows = [np.asarray(jax.device_get(part.astype(DTYPES[dtype]))) for part in own]
        yield name, rows[0] if len(rows) == 1 else np.concatenate(rows)
