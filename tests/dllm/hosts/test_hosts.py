"""Several processes decode as one: real ones, over the loopback."""

import json
from argparse import Namespace
from pathlib import Path

import pytest

import dllm
from dllm import hosts
from dllm.cli.hosts import join
from tests import checkpoints
from tests.dllm.hosts import process
from tests.dllm.hosts.launch import free_port, launch


@pytest.mark.parametrize(
    ("processes", "data", "model", "choice"),
    [
        (2, 2, 1, "quick"),
        pytest.param(2, 1, 2, "all", marks=pytest.mark.slow),
        pytest.param(4, 2, 2, "all", marks=pytest.mark.slow),
    ],
)
def test_tokens_are_those_of_one_process(
    tmp_path: Path, processes: int, data: int, model: int, choice: str
) -> None:
    folder, port = str(checkpoints.make(tmp_path / "small", n_layers=1)), free_port()
    ran = launch(
        [
            *("-m", "tests.dllm.hosts.process", folder),
            *map(str, (port, processes, number, data, model, choice)),
        ]
        for number in range(processes)
    )
    for one in ran:
        assert one.returncode == 0, one.stderr
    told = json.loads(ran[0].stdout.splitlines()[-1])  # gloo says something before
    loaded, ways = process.load(folder, choice), process.WAYS[choice]
    assert told["answers"] == {name: process.answers(loaded, ways[name]) for name in ways}
    assert told["refused"] == "hosts: process 1 must have the jax of process 0, 0.0, got 0.1"
    assert not any("answers" in one.stdout for one in ran[1:])


@pytest.fixture
def other(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What a second process says otherwise than this one."""
    said: dict[str, str] = {}

    def exchange(text: str) -> list[str]:
        return [text, json.dumps({**json.loads(text), **said})]

    monkeypatch.setattr(hosts, "several", lambda: True)
    monkeypatch.setattr(hosts, "join", lambda *_: None)
    monkeypatch.setattr(hosts, "_exchange", exchange)
    return said


def test_another_version_is_refused(other: dict[str, str]) -> None:
    hosts.agree(hosts.versions())
    other["dllm"] = "0.0"
    with pytest.raises(ValueError, match=r"^hosts: process 1 must have the dllm of .*, got 0\.0$"):
        hosts.agree(hosts.versions())


def test_another_hardware_file_is_refused(other: dict[str, str], tmp_path: Path) -> None:
    """By what is in it."""
    file = tmp_path / "mine.toml"
    file.write_text("devices = 2")
    options = Namespace(hardware=file, seed=3, process=0)
    join(options)
    other["--hardware"] = f"{file} (elsewhere)"
    with pytest.raises(ValueError, match=r"the --hardware of process 0, \S+ \(\w{12}\), got \S+"):
        join(options)


def test_another_checkpoint_is_refused(other: dict[str, str], tmp_path: Path) -> None:
    folder = checkpoints.make(tmp_path / "small", n_layers=1)
    dllm.load(folder)
    other["checkpoint"] = "none (config.json is not there)"
    with pytest.raises(ValueError, match=r"the checkpoint of process 0, \S+small \(\w{12}\), got"):
        dllm.load(folder)


def test_one_process_agrees_with_itself() -> None:
    hosts.agree({"jax": "any"})
    assert hosts.is_first()
    assert not hosts.several()


def test_a_process_out_of_range_is_refused() -> None:
    with pytest.raises(ValueError, match=r"hosts: process must be in \[0, 1\], got 2"):
        hosts.join("127.0.0.1:1", processes=2, process=2)
