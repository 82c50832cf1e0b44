"""Packages of inner loops, loaded past the import hooks of type checkers.

A hook that wraps the functions of this package for checks at run time would hand numba something
that it cannot compile. So a folder of such files is loaded under a name of its own. Its files
import each other by relative names, decorate their functions with `kernel`, and carry no types.
"""

import hashlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from importlib import import_module
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

_COMPILER = "compiler_of_kernels"
"""The attribute of a loaded package that `kernel` looks for."""


@cache
def load_kernels(folder: Path, compiled: bool = True, allocates: bool = True) -> Any:
    """The package in `folder`: compiled by numba, or its functions as they are written.

    None if it is to be compiled and numba is not installed. Both may be loaded side by side.

    Args:
        folder: Of its files.
        compiled: Whether it is compiled.
        allocates: Whether its functions make arrays. If not, references to those that they are
            given are not counted, which takes as long as small functions themselves.
    """
    if compiled and find_spec("numba") is None:
        return None
    name = "_".join(("compiled" if compiled else "plain", *folder.parts[-2:]))
    places = [str(folder)]
    spec = spec_from_file_location(name, folder / "__init__.py", submodule_search_locations=places)
    assert spec is not None
    assert spec.loader is not None
    package = sys.modules[name] = module_from_spec(spec)
    if not compiled:
        spec.loader.exec_module(package)
        return package
    numba = import_module("numba")
    options = {"cache": True, "nogil": True, "_nrt": allocates}
    setattr(package, _COMPILER, partial(numba.njit, **options))
    with _kept_together(numba.config, folder):
        spec.loader.exec_module(package)
    return package


def kernel(function: Callable[..., Any]) -> Any:
    """Decorates a function that is to be compiled where its package is loaded so."""
    return _made(function)


def borrowing(function: Callable[..., Any]) -> Any:
    """As `kernel`, for a function that makes no array: it does not count who holds its arguments.

    The counts of every array of a tuple may cost more than a small function.
    """
    return _made(function, _nrt=False)


def inlined_borrowing(function: Callable[..., Any]) -> Any:
    """As `borrowing`, compiled into the functions that call it."""
    return _made(function, _nrt=False, forceinline=True)


def inlined(function: Callable[..., Any]) -> Any:
    """As `kernel`, for a small function: it is compiled into those that call it.

    A call hands over every array of a tuple one by one, which may cost more than the function.
    """
    return _made(function, forceinline=True)


def _made(function: Callable[..., Any], **options: bool) -> Any:
    package = sys.modules[function.__module__.partition(".")[0]]
    return getattr(package, _COMPILER, _as_it_is)(function, **options)


def _as_it_is(function: Callable[..., Any], **_: bool) -> Callable[..., Any]:
    return function


@contextmanager
def _kept_together(config: Any, folder: Path) -> Iterator[None]:
    """Has numba keep what is compiled under a hash of all files of the folder.

    Numba itself looks at a function's own file, and would go on with old code of a function of
    another file that is called there. Where the place cannot be written to it takes another one.
    """
    made = hashlib.sha256()
    for file in sorted(folder.glob("*.py")):
        made.update(file.read_bytes())
    usual = config.CACHE_DIR
    config.CACHE_DIR = str(Path(usual or folder / "__pycache__") / made.hexdigest()[:16])
    try:
        yield
    finally:
        config.CACHE_DIR = usual
