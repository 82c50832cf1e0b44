"""A model written and read again is the same model."""

import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import dllm
from dllm.load import Model
from dllm.models.export import save
from tests.dllm.train.runs import tiny


@pytest.fixture
def model(tmp_path: Path) -> Model:
    folder = tmp_path / "base"
    tiny(folder)
    (folder / "chat_template.jinja").write_text("{{ messages[0].content }}")
    (folder / "notes.txt").write_text("stays")
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"torch_dtype": "float16"}))
    return tiny(folder)


def leaves(model: Model) -> list[np.ndarray]:
    return [np.asarray(leaf) for leaf in jax.tree.leaves(model.network.state)]


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_round_trip(tmp_path: Path, model: Model, dtype: str) -> None:
    folder = save(model, tmp_path / "out", files=model.name, dtype=dtype)
    again = dllm.load(folder)
    assert (again.config, again.specials) == (model.config, model.specials)
    for found, original in zip(leaves(again), leaves(model), strict=True):
        np.testing.assert_array_equal(found, np.asarray(jnp.asarray(original).astype(dtype)))
    assert again.tokenizer is not None
    assert again.tokenizer.encode("ab") == [64, 65]
    assert again.chat is not None
    assert json.loads((folder / "config.json").read_text())["torch_dtype"] == dtype
    assert not (folder / "notes.txt").exists()


def test_writing_again_leaves_no_old_weights(tmp_path: Path, model: Model) -> None:
    folder = save(model, tmp_path / "out", files=model.name, shard=1000)
    assert len(list(folder.glob("*.safetensors"))) > 2
    dllm.load(folder)
    (folder / "learn2pd.safetensors").write_bytes(b"a filter")
    save(model, folder, files=model.name)
    left = sorted(path.name for path in folder.glob("*.safetensors*"))
    assert left == ["learn2pd.safetensors", "model.safetensors"]
    assert (folder / "learn2pd.safetensors").read_bytes() == b"a filter"
    dllm.load(folder)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_refusals(tmp_path: Path, model: Model) -> None:
    with pytest.raises(ValueError, match="dtype must be one of float32, bfloat16, got 'int8'"):
        save(model, tmp_path / "out", files=model.name, dtype="int8")
    tiny(tmp_path / "other", n_layers=2)
    with pytest.raises(dllm.CheckpointError, match=r"config\.json must describe the model"):
        save(model, tmp_path / "out", files=tmp_path / "other")
    rounded = dllm.load(model.name, weights="int8")
    with pytest.raises(ValueError, match=r"^export: \S+ keeps its weights in int8, .* without"):
        save(rounded, tmp_path / "out", files=model.name)
    assert not (tmp_path / "out").exists()
