"""Each core of the host a device, in a process of its own: this one has looked for devices."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import checkpoints
from tests.dllm.hosts.launch import launch
from tests.dllm.sharding import cores

SCRIPT = """
import os
os.sched_getaffinity = lambda _: range(4)
from dllm.sharding.cores import mesh_of_cores
print([mesh and mesh.size for mesh in map(mesh_of_cores, (1, 2, 6, 7, 8))])
"""


def run(flags: str = "") -> str:
    settings = {"XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def test_as_many_cores_as_share_the_rows_evenly() -> None:
    assert run() == "[None, 2, 3, None, 4]"


def test_a_chosen_number_of_devices_stays() -> None:
    assert run("--xla_force_host_platform_device_count=2") == "[None, 2, 2, None, 2]"


@pytest.mark.slow
def test_tokens_over_caches_are_those_of_one_device(tmp_path: Path) -> None:
    folder = checkpoints.make(tmp_path / "small", n_layers=1)
    (ran,) = launch([["-m", "tests.dllm.sharding.cores", str(folder)]], devices=2)
    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout)
    assert told.pop("devices") == 2
    assert set(told) == set(cores.CACHES)
    for on_cores, alone in told.values():
        assert on_cores == alone
