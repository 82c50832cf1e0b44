"""A sweep by several processes: as replicas that share a mirror, and as one over several hosts."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks.runner.results import RESULTS, SAMPLES
from benchmarks.runner.store import PARTS
from tests.benchmarks import subjects
from tests.dllm.hosts.launch import free_port, launch

SWEEP = ["--tasks", "copy", "--limit", "40", "--batch", "2", "--set", "tokens=2,4,8,16,32"]
HARDWARE = """
name = "two"
platform = "cpu"
kinds = ["cpu"]
devices = 2
hosts = 2
memory_gib = 1

[mesh]
data = 2
model = 1

[decode]
dtype = "float32"
cache = "none"
batch = 2
lengths = [64]
"""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return subjects.make(tmp_path_factory.mktemp("replicas") / "random")


def _run(model: Path, out: Path, *more: str) -> list[str]:
    return ["-m", "benchmarks", "run", "--model", str(model), *SWEEP, "--out", str(out), *more]


def _replica(model: Path, out: Path, mirror: Path, share: str) -> subprocess.Popen[bytes]:
    command = _run(model, out, "--mirror", str(mirror), "--shard", share)
    return subprocess.Popen([sys.executable, *command])


def _answers(folder: Path) -> list[bytes]:
    return [(folder / name).read_bytes() for name in (RESULTS, SAMPLES)]


@pytest.mark.slow
def test_a_replica_that_is_killed_costs_only_its_share(model: Path, tmp_path: Path) -> None:
    (alone,) = launch([_run(model, tmp_path / "alone")])
    assert alone.returncode == 0, alone.stderr
    mirror = tmp_path / "mirror"
    shares = {i: _replica(model, tmp_path / str(i), mirror, f"{i}/4") for i in range(1, 5)}
    while shares[2].poll() is None and not list((tmp_path / "2" / PARTS).glob("*.json")):
        time.sleep(0.01)
    shares[2].send_signal(signal.SIGKILL)
    assert [shares[i].wait() for i in shares] == [0, -signal.SIGKILL, 0, 0]
    count = len(list((tmp_path / "alone" / PARTS).glob("*.json")))
    before = {path: path.stat().st_mtime_ns for path in (mirror / PARTS).glob("*.json")}
    share = -(-count // 4)  # the first batch of the killed one may not be in the mirror yet
    assert count - share <= len(before) < count
    assert not (mirror / RESULTS).exists()

    fresh = tmp_path / "fresh"
    assert _replica(model, fresh, mirror, "2/4").wait() == 0
    assert _answers(fresh) == _answers(mirror) == _answers(tmp_path / "alone")
    after = {path: path.stat().st_mtime_ns for path in (mirror / PARTS).glob("*.json")}
    assert len(after) == count
    assert before.items() <= after.items()  # nothing was done twice


@pytest.mark.slow
def test_two_hosts_write_what_one_writes(model: Path, tmp_path: Path) -> None:
    (tmp_path / "two.toml").write_text(HARDWARE)
    joined = ["--hardware", str(tmp_path / "two.toml"), "--coordinator", f"127.0.0.1:{free_port()}"]
    commands = [
        _run(model, tmp_path / "two", *joined, "--processes", "2", "--process", str(i))
        for i in range(2)
    ]
    *ran, alone = [*launch(commands), *launch([_run(model, tmp_path / "alone")])]
    for one in (*ran, alone):
        assert one.returncode == 0, one.stderr
    assert _answers(tmp_path / "two") == _answers(tmp_path / "alone")
    assert "confidence" in ran[0].stdout
    assert "confidence" not in ran[1].stdout

    commands[1][commands[1].index("tokens=2,4,8,16,32")] = "tokens=2"
    for one in launch(commands):
        assert one.returncode == 2
        assert "hosts: process 1 must have the --set of process 0, " in one.stderr
