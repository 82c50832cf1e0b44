"""Strict numerics, hypothesis without deadlines or chance, and programs that compile quickly."""

import os
from collections.abc import Iterator
from importlib import metadata
from typing import Any

# Emitting fusions through MLIR is most of what an unoptimised program costs to compile. Later
# versions of jaxlib know no other way and refuse the flag.
if metadata.version("jaxlib").startswith("0.10."):
    os.environ["XLA_FLAGS"] = os.environ.get("XLA_FLAGS", "") + (
        " --xla_cpu_use_fusion_emitters=false"
    )

import hypothesis
import jax
import pytest
from xdist.scheduler import LoadFileScheduling

jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_numpy_dtype_promotion", "strict")

hypothesis.settings.register_profile(
    "suite",
    deadline=None,
    derandomize=True,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("suite")


@pytest.fixture(scope="module", autouse=True)
def compile_quickly(request: pytest.FixtureRequest) -> Iterator[None]:
    """Compiles without optimisation: most of a test's time is compiling.

    A module about numerics says `OPTIMISED = True` and runs what users run.
    """
    quick = not getattr(request.module, "OPTIMISED", False)
    jax.config.update("jax_disable_most_optimizations", quick)
    yield
    jax.config.update("jax_disable_most_optimizations", False)


@pytest.fixture(scope="module", autouse=True)
def forget_programs() -> Iterator[None]:
    """Lets go of a module's compiled programs: a few hundred exhaust a process's memory maps."""
    yield
    jax.clear_caches()


class OneCompiler(LoadFileScheduling):
    """Files go to processes whole, and all that compile grammars' inner loops go to the same one.

    Two processes that start with nothing on disk would both spend a minute on compiling them.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        return "grammars" if any(word in file for word in _OF_GRAMMARS) else file


_OF_GRAMMARS = ("grammar", "json_schema", "languages")


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> OneCompiler:
    """See `OneCompiler`."""
    return OneCompiler(config, log)
