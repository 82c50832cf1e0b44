"""Checkpoints: what loads, and what each broken one is told."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from huggingface_hub.errors import LocalEntryNotFoundError
from safetensors.numpy import load_file, save_file

import dllm
from dllm import hub
from dllm.models.config import Specials
from dllm.models.llada import read_specials
from dllm.models.random import preset
from dllm.models.weights import INDEX
from tests import checkpoints


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return checkpoints.make(tmp_path_factory.mktemp("load") / "small")


@pytest.fixture
def folder(original: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(original, tmp_path / "copy"))


def _leaves(model: dllm.Model) -> list[np.ndarray]:
    return [np.asarray(leaf) for leaf in jax.tree.leaves(model.network.state)]


def test_shards_are_one_model(original: Path, tmp_path: Path) -> None:
    sharded = checkpoints.make(tmp_path / "sharded", shard=20_000)
    assert len(list(sharded.glob("*.safetensors"))) > 3
    for one, other in zip(_leaves(dllm.load(original)), _leaves(dllm.load(sharded)), strict=True):
        np.testing.assert_array_equal(one, other)


def test_dtype_is_the_files_own(tmp_path: Path) -> None:
    folder = checkpoints.make(tmp_path / "half", dtype="bfloat16")
    assert dllm.load(folder).network.dtype == jax.numpy.bfloat16
    assert dllm.load(folder, dtype="float32").network.dtype == jax.numpy.float32


def test_says_what_it_is(original: Path) -> None:
    assert repr(dllm.load(original)).endswith("small': LLaDA, 0.0M, float32)")


def test_places_parameters_where_told(original: Path) -> None:
    asked: dict[str, tuple[int, ...]] = {}
    device = jax.sharding.SingleDeviceSharding(jax.devices()[0])

    def place(path: str, shape: tuple[int, ...]) -> jax.sharding.Sharding:
        asked[path] = shape
        return device

    dllm.load(original, place=place)
    assert asked["embedding"] == (320, 32)
    assert asked["layers.1.mlp.down.weight"] == (32, 48)


def test_special_ids_come_from_the_tokenizer_where_the_config_is_silent(folder: Path) -> None:
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    tokenizer["model"]["vocab"]["<|eot_id|>"] = 302
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
    (folder / "tokenizer_config.json").write_text(json.dumps({"bos_token": "!"}))
    specials = dllm.load(folder).specials
    assert (specials.mask, specials.eos, specials.eot, specials.bos) == (300, 301, 302, 0)
    assert specials.ends == (301, 302)


def test_public_ids_are_known_where_the_config_is_silent() -> None:
    silent = {key: value for key, value in preset("llada-8b").items() if "token_id" not in key}
    assert read_specials(silent) == Specials(126336, 126081, None, 126081, 126080)
    assert read_specials({**silent, "mask_token_id": 5, "eos_token_id": None}).mask == 5
    with pytest.raises(dllm.CheckpointError, match=r"config.json: mask_token_id is missing"):
        read_specials({**silent, "embedding_size": 320})


def _without(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def _config(**changed: Any) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        config = {**checkpoints.small_config(), **changed}
        left = {key: value for key, value in config.items() if value != "absent"}
        (folder / "config.json").write_text(json.dumps(left))

    return change


def _text(name: str, content: bytes) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        (folder / name).write_bytes(content)

    return change


def _weights(change: Callable[[dict[str, np.ndarray]], Any]) -> Callable[[Path], None]:
    def rewrite(folder: Path) -> None:
        arrays = load_file(folder / "model.safetensors")
        change(arrays)
        save_file(arrays, folder / "model.safetensors")

    return rewrite


def _tokens(**changed: int) -> Callable[[Path], None]:
    """A tokenizer that has other tokens at some ids."""

    def change(folder: Path) -> None:
        file = folder / "tokenizer.json"
        tokenizer = json.loads(file.read_text())
        tokenizer["model"]["vocab"] |= changed
        for token in tokenizer["added_tokens"]:
            token["id"] = changed.get(token["content"], token["id"])
        file.write_text(json.dumps(tokenizer))

    return change


def _fp8(folder: Path) -> None:
    header = {"lm.weight": {"dtype": "F8_E4M3", "shape": [4], "data_offsets": [0, 4]}}
    text = json.dumps(header).encode()
    content = len(text).to_bytes(8, "little") + text + bytes(4)
    (folder / "model.safetensors").write_bytes(content)


def _cut(folder: Path) -> None:
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-100])


def _double(folder: Path) -> None:
    shutil.copy(folder / "model.safetensors", folder / "again.safetensors")
    names = {"a": "model.safetensors", "b": "again.safetensors"}
    (folder / INDEX).write_text(json.dumps({"weight_map": names}))


NORM = "model.transformer.ln_f.weight"


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (_without("config.json"), "copy: not a checkpoint, config.json is not there"),
        (_without("model.safetensors"), f"neither model.safetensors nor {INDEX} is there"),
        (_text("config.json", b"{"), "config.json: not JSON"),
        (_text("config.json", b"[]"), "config.json: must hold a JSON object, got list"),
        (_text("config.json", b"\xff"), r"config.json: not UTF-8 \(byte 0\)"),
        (_text("tokenizer.json", b"{}"), "tokenizer.json: not a tokenizer"),
        (_text("tokenizer.json", b"\xff\xfe"), r"tokenizer.json: not UTF-8 \(byte 0\)"),
        (
            _config(architectures=["GPT2"]),
            "architectures must be one of LLaDAModelLM, .*, got GPT2",
        ),
        (_config(architectures=None), r"architectures must be .* got none \(model_type 'llada'\)"),
        (
            _config(model_type="llada2_moe"),
            "config.json: model_type of LLaDAModelLM must be llada, got 'llada2_moe'",
        ),
        (
            _config(quantization_config={"quant_method": "fp8"}),
            "config.json: quantization_config must be absent, got quant_method 'fp8': take the ch",
        ),
        (_tokens(far=999), "tokenizer's ids must be below the config's 320, got 999"),
        (
            _tokens(**{"<|mdm_mask|>": 310}),
            "the tokenizer is of another vocabulary, its token 300 must be the model's mask, got",
        ),
        (
            _tokens(**{"<|mdm_mask|>": 310, "</tool>": 300}),
            "its token 300 must be the model's mask, got '</tool>'",
        ),
        (
            _fp8,
            "lm.weight has dtype F8_E4M3, and fp8 weights cannot be read; take the checkpoint i",
        ),
        (_config(d_model="absent"), "config.json: d_model is missing"),
        (_config(n_layers="two"), "config.json: n_layers must be int, got 'two'"),
        (_config(n_heads=3), "n_heads must divide d_model and n_kv_heads divide n_heads, got d_m"),
        (_config(n_kv_heads=3), "got d_model 32, n_heads 4, n_kv_heads 3"),
        (_config(alibi=True), "config.json: alibi must be False, got True"),
        (_config(mask_token_id="absent"), "config.json: mask_token_id is missing"),
        (_config(mask_token_id=400), "mask id must be below the vocabulary's 320, got 400"),
        (_config(mlp_hidden_size=50), r"must have shape \(50, 32\) by config.json, got \(48, 32\)"),
        (_config(n_layers=3), r"tensor model.transformer.blocks.2.attn_norm.weight is missing \(a"),
        (_weights(lambda arrays: arrays.pop(NORM)), f"tensor {NORM} is missing$"),
        (
            _weights(lambda arrays: arrays.update(extra=np.ones(3, np.float32))),
            "unexpected tensor extra$",
        ),
        (_cut, r"model.safetensors: cut off: .* ends at byte \d+, the file has \d+"),
        (_double, r"tensor .* is stored twice \(and \d+ more\)"),
        (_text(INDEX, b'{"weight_map": {"a": "gone.safetensors"}}'), "names gone.safetensors, w"),
        (_text(INDEX, b'{"weight_map": {"a": "../x"}}'), "names ../x, which is not there"),
        (_text(INDEX, b"[]"), "not an index of shards"),
    ],
)
def test_refuses(folder: Path, spoil: Callable[[Path], None], message: str) -> None:
    spoil(folder)
    with pytest.raises(dllm.CheckpointError, match=message):
        dllm.load(folder)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/nowhere/at/all", "/nowhere/at/all: no such folder, and not a hub id"),
        ("./gone", "./gone: no such folder, and not a hub id"),
        (__file__, "must be a checkpoint's folder, got a file"),
    ],
)
def test_refuses_what_is_no_folder(path: str, message: str) -> None:
    with pytest.raises(dllm.CheckpointError, match=message):
        dllm.load(path)


def test_refuses_unknown_dtypes(original: Path) -> None:
    with pytest.raises(ValueError, match="load: dtype must be one of float32, bfloat16, got 'int"):
        dllm.load(original, dtype="int8")


def test_fetches_hub_ids_without_code_or_pickles(
    original: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, Any] = {}

    def fetch(name: str, **options: Any) -> str:
        asked.update(name=name, **options)
        return str(original)

    monkeypatch.setattr(hub.huggingface_hub, "snapshot_download", fetch)
    assert dllm.load("someone/small", revision="v2").name == "someone/small"
    assert (asked["name"], asked["revision"]) == ("someone/small", "v2")
    assert not any(name.endswith((".py", ".bin", ".pt")) for name in asked["allow_patterns"])


def test_says_that_the_hub_is_out_of_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    def fetch(*_: Any, **__: Any) -> str:
        raise LocalEntryNotFoundError("no connection")

    monkeypatch.setattr(hub.huggingface_hub, "snapshot_download", fetch)
    with pytest.raises(dllm.CheckpointError, match=r"someone/small: .* the hub cannot be reached"):
        dllm.load("someone/small")


def test_refuses_names_the_hub_would_not_take() -> None:
    with pytest.raises(dllm.CheckpointError, match="a b/c: no such folder, and not fetched: not a"):
        dllm.load("a b/c")
