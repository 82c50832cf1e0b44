"""Compiled programs are kept on disk between runs."""

import argparse
import os
from pathlib import Path

import jax


def add_options(parser: argparse.ArgumentParser) -> None:
    """Where programs are kept."""
    parser.add_argument(
        "--compile-cache",
        type=Path,
        metavar="DIR",
        help="where compiled programs are kept (default: $JAX_COMPILATION_CACHE_DIR, "
        "or dllm/programs in the user's cache folder)",
    )
    parser.add_argument("--no-compile-cache", action="store_true", help="compile anew")


def keep_programs(options: argparse.Namespace) -> None:
    """Turns the cache on, unless the command compiles nothing or is told not to."""
    if getattr(options, "no_compile_cache", True):
        return
    chosen = options.compile_cache or os.environ.get("JAX_COMPILATION_CACHE_DIR")
    folder = Path(chosen) if chosen else _user_cache() / "dllm" / "programs"
    jax.config.update("jax_compilation_cache_dir", str(folder))


def _user_cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
