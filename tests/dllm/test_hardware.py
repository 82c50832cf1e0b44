"""Hardware files: what ships is sound, what is wrong is refused by name."""

import json
import os
import re
from pathlib import Path

import jax
import pytest

from dllm.cli.__main__ import main
from dllm.hardware import Hardware, claim, read_hardware, set_flags
from tests import checkpoints

FILES = sorted((Path(__file__).parents[2] / "tpu_configs").glob("*.toml"))
SLICES = {
    *("v4-8", "v5e-1", "v5e-4", "v5e-8", "v5e-16", "v5p-8", "v6e-1", "v6e-4", "v6e-8", "v6e-16"),
    *("tpu7x-8", "tpu7x-8-whole", "h100_1", "h200_1", "h200_8", "cpu_1"),
}
LOCAL = """
name = "local"
platform = "cpu"
kinds = ["cpu"]
devices = 1
hosts = 1
memory_gib = 1

[mesh]
data = 1
model = 1

[decode]
dtype = "float32"
cache = "none"
batch = 2
lengths = [32, 64]

[[flags]]
name = "xla_cpu_enable_fast_math"
value = "false"
reason = "as it is anyway"
"""


@pytest.fixture
def local(tmp_path: Path) -> Path:
    file = tmp_path / "local.toml"
    file.write_text(LOCAL)
    return file


def test_every_slice_has_its_file() -> None:
    assert {read_hardware(file).name for file in FILES} == SLICES
    assert {file.stem for file in FILES} == SLICES


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("hosts = 1", "hosts = 1\nchips = 4", "unknown key chips"),
        ('reason = "as it is anyway"', "", "flags.reason is missing"),
        ("as it is anyway", " ", "flags.reason must be a text"),
        ("devices = 1", "devices = 2", "mesh must be of 2 devices, got 1"),
        ("data = 1", "data = 0", "mesh.data must be at least 1, got 0"),
        ("float32", "float16", "decode.dtype must be one of float32, bfloat16"),
        ('cache = "none"', 'cache = "all"', "decode.cache must be one of none, "),
        ("[32, 64]", "[64, 32]", "decode.lengths must be positive and ascending, got [64, 32]"),
        ("memory_gib = 1", "memory_gib = 0", "memory_gib must be above 0, got 0.0"),
        ("memory_gib = 1", 'topology = "v5e:1x1"\nmemory_gib = 1', "topology must be given for"),
        ("xla_cpu", "--xla_cpu", "flags.name must be an XLA flag without dashes"),
        ('"cpu"\nkinds', '"npu"\nkinds', "platform must be one of tpu, gpu, cpu, got 'npu'"),
        ("hosts = 1", "hosts =", "Invalid value"),
    ],
)
def test_a_wrong_file_is_refused(local: Path, old: str, new: str, message: str) -> None:
    local.write_text(LOCAL.replace(old, new, 1))
    with pytest.raises(ValueError, match=re.escape(message)):
        read_hardware(local)


def test_flags_go_before_those_that_are_set(local: Path) -> None:
    environment = {"XLA_FLAGS": "--xla_cpu_enable_fast_math=true"}
    set_flags(read_hardware(local), environment)
    own = "--xla_cpu_enable_fast_math=false --xla_cpu_enable_fast_math=true"
    assert environment == {"XLA_FLAGS": own}


def _changed(local: Path, old: str, new: str) -> Hardware:
    local.write_text(LOCAL.replace(old, new))
    return read_hardware(local)


def test_other_devices_are_refused(local: Path) -> None:
    gpu = _changed(local, 'platform = "cpu"', 'platform = "gpu"')
    with pytest.raises(ValueError, match="local is 1 gpu devices, got platform cpu"):
        claim(gpu)
    with pytest.raises(ValueError, match="1 cpu devices of kind abacus, got cpu"):
        claim(_changed(local, 'kinds = ["cpu"]', 'kinds = ["abacus"]'))
    number = len(jax.devices()) + 1
    more = LOCAL.replace("devices = 1", f"devices = {number}")
    local.write_text(more.replace("data = 1", f"data = {number}"))
    with pytest.raises(ValueError, match=f"{number} cpu devices, got {number - 1}"):
        claim(read_hardware(local))


def test_generate_on_this_machine(
    local: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("XLA_FLAGS", os.environ.get("XLA_FLAGS", ""))  # put back afterwards
    folder = str(checkpoints.make(tmp_path / "small"))
    command = ["generate", "one", "--model", folder, "--length", "8", "--no-compile-cache"]
    assert main([*command, "--quiet"]) == 0
    alone = capsys.readouterr().out
    assert main([*command, "--quiet", "--hardware", str(local)]) == 0
    assert capsys.readouterr().out == alone
    local.write_text(LOCAL.replace('platform = "cpu"', 'platform = "gpu"'))
    assert main([*command, "--hardware", str(local)]) == 2
    assert "got platform cpu" in capsys.readouterr().err


def test_info_says_what_a_device_holds(
    local: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = str(checkpoints.make(tmp_path / "small"))
    assert main(["info", folder, "--hardware", str(local)]) == 0
    assert "weights on device" in capsys.readouterr().out
    local.write_text(LOCAL.replace('cache = "none"', 'cache = "dual"'))
    assert main(["info", folder, "--hardware", str(local), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    # Two rows, as the file says: keys and values of 2 layers, 128 positions, 4 heads of 8.
    assert told["batch"] == 2
    assert told["cache_on_device_bytes"] == 2 * 2 * 2 * 128 * 4 * 8 * 4
    assert told["work_on_device_bytes"] > told["cache_on_device_bytes"]
    assert told["fits"]
    assert main(["info", folder, "--hardware", str(local), "--batch", "4096", "--json"]) == 0
    assert not json.loads(capsys.readouterr().out)["fits"]
    local.write_text(LOCAL.replace("memory_gib = 1", "memory_gib = 0.00001"))
    assert main(["info", folder, "--hardware", str(local)]) == 2
    assert "embedding does not fit" in capsys.readouterr().err
