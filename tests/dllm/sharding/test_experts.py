"""Experts cut over devices answer as on one, and where they live."""

import json
import os
import subprocess
import sys

import jax.numpy as jnp
import pytest
from jax.sharding import AbstractMesh, AxisType, PartitionSpec

from dllm.models.families import family_of
from dllm.models.network import abstract
from dllm.models.random import preset
from dllm.models.weights import shapes_by_path
from dllm.sharding import placement


def test_experts_are_cut_over_the_model_axis() -> None:
    family = family_of(raw := preset("llada-moe-7b"))
    config = family.read_config(raw)
    shapes = shapes_by_path(abstract(config, jnp.bfloat16)[1])
    mesh = AbstractMesh((1, 8), ("data", "model"), axis_types=(AxisType.Auto,) * 2)
    place = placement(mesh, config)
    gate = place("layers.0.mlp.gate", shapes["layers.0.mlp.gate"])
    assert gate.shard_shape((64, 1024, 2048)) == (8, 1024, 2048)
    router = place("layers.0.mlp.router.weight", shapes["layers.0.mlp.router.weight"])
    assert getattr(router, "spec", None) == PartitionSpec()


@pytest.mark.slow
def test_experts_on_devices_equal_those_on_one() -> None:
    flags = os.environ.get("XLA_FLAGS", "") + " --xla_force_host_platform_device_count=8"
    ran = subprocess.run(
        [sys.executable, "-m", "tests.dllm.sharding.experts"],
        env={**os.environ, "XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    for apart, experts in json.loads(ran.stdout).values():
        assert apart < 1e-5
        assert experts == 2
