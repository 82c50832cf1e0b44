"""A converted checkpoint is the same model, restored in slices."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest

import dllm
from dllm.cli.__main__ import main
from dllm.models import converted
from tests import checkpoints

PROGRAM = """
import sys, jax, dllm, numpy as np
cut = dllm.load(sys.argv[2], place=dllm.make_mesh(data=1, model=4)).network
read = dllm.load(sys.argv[1], place=dllm.make_mesh(data=1, model=4)).network
for one, other in zip(jax.tree.leaves(cut), jax.tree.leaves(read), strict=True):
    assert one.sharding == other.sharding, (one.sharding, other.sharding)
    np.testing.assert_array_equal(one, other)
shares = {leaf.addressable_shards[0].data.size / leaf.size for leaf in jax.tree.leaves(cut)}
assert shares == {0.25, 1.0}, shares
"""


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return checkpoints.make(tmp_path_factory.mktemp("convert") / "small")


@pytest.fixture(scope="module")
def made(original: Path) -> Path:
    return dllm.convert(original, original.parent / "made")


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "copy"))


def test_it_is_the_same_model(original: Path, made: Path) -> None:
    one, other = dllm.load(original), dllm.load(made)
    assert (one.config, one.specials) == (other.config, other.specials)
    assert other.tokenizer is not None
    assert one.network.dtype == other.network.dtype
    for left, right in zip(*map(jax.tree.leaves, (one.network, other.network)), strict=True):
        assert left.sharding == right.sharding
        np.testing.assert_array_equal(left, right)
    assert dllm.load(made, dtype="bfloat16").network.dtype == jax.numpy.bfloat16


@pytest.mark.slow
def test_each_device_gets_its_slices(original: Path, made: Path) -> None:
    flags = os.environ.get("XLA_FLAGS", "") + " --xla_force_host_platform_device_count=4"
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(original), str(made)],
        env={**os.environ, "XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr


def test_the_command(original: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = str(tmp_path / "half")
    assert main(["convert", str(original), out, "--dtype", "bfloat16"]) == 0
    assert capsys.readouterr().out.strip() == out
    assert main(["info", out, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["dtypes"] == ["bfloat16"]
    assert [path.name for path in tmp_path.iterdir()] == ["half"]
    assert main(["convert", str(original), out]) == 2
    assert f"convert: {out} must be empty or not exist" in capsys.readouterr().err


def test_what_is_missing_is_named(folder: Path) -> None:
    (folder / converted.FOLDER / "manifest.ocdbt").unlink()
    with pytest.raises(dllm.CheckpointError, match=r"orbax: not a whole checkpoint \("):
        dllm.load(folder)


def test_another_config_is_refused(folder: Path) -> None:
    path = folder / "config.json"
    raw = json.loads(path.read_text())
    path.write_text(json.dumps({**raw, "mlp_hidden_size": 64}))
    with pytest.raises(dllm.CheckpointError, match=r"must have shape \(32, 64\) by config"):
        dllm.load(folder)
    path.write_text(json.dumps({**raw, "n_layers": 3}))
    with pytest.raises(dllm.CheckpointError, match=r"tensor layers\.2\.\S+ is missing"):
        dllm.load(folder)


def test_both_layouts_are_refused(folder: Path) -> None:
    (folder / "model.safetensors").touch()
    with pytest.raises(
        dllm.CheckpointError, match="must hold safetensors files or orbax/, got both"
    ):
        dllm.load(folder)
