"""A checkpoint in the hub's layout, converted once, restores faster onto many devices."""

import tempfile
from pathlib import Path

from dllm.load import Model, describe, load
from dllm.models import converted
from dllm.models.export import copy_texts
from dllm.sharding.place import PARAMETERS, in_layer


def convert(
    path: str | Path, folder: str | Path, *, dtype: str | None = None, progress: bool | None = None
) -> Path:
    """Writes a checkpoint's folder whose weights are orbax' files; `dllm.load` takes it.

    config.json, the tokenizer and the chat template are copied. The folder appears as a whole or
    not at all. The weights are held in memory once.

    Raises:
        ValueError: an unknown dtype, or a folder that already holds something.
        CheckpointError: there is no checkpoint at `path`.
    """
    folder = Path(folder)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ValueError(f"convert: {folder} must be empty or not exist")
    source = describe(path).folder
    model = load(path, dtype=dtype, progress=progress)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".convert-") as name:
        made = Path(name) / "made"
        made.mkdir()
        copy_texts(source, made)
        converted.write(made, model.network.state, _cut(model))
        made.replace(folder)
    return folder


def _cut(model: Model) -> dict[str, tuple[int, ...]]:
    """The dimensions of each parameter that a mesh may cut."""
    paths = model.family.key_table(model.config).values()
    return {
        path: tuple(i for i, axis in enumerate(PARAMETERS.get(in_layer(path), ())) if axis)
        for path in paths
    }
