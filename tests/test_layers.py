"""The arrows between the rooms."""

import subprocess
import sys

import pytest

FORBIDDEN = {
    "samplers": ["dllm", "grammar", "benchmarks", "flax", "rich"],
    "grammar": ["dllm", "samplers", "benchmarks", "jax"],
    "dllm": ["benchmarks", "torch", "transformers", "beartype"],
}


@pytest.mark.parametrize("package", FORBIDDEN)
def test_arrows(package: str) -> None:
    program = f"""
import importlib, pkgutil, sys
package = importlib.import_module({package!r})
for module in pkgutil.walk_packages(package.__path__, {package + "."!r}):
    importlib.import_module(module.name)
print(*[name for name in {FORBIDDEN[package]!r} if name in sys.modules])
"""
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert ran.stdout.split() == []
