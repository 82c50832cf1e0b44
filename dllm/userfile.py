"""Loads a user's class out of a Python file."""

import importlib.util
import sys
from functools import lru_cache
from pathlib import Path
from types import ModuleType


def load_class(path: Path, name: str) -> type:
    """The class `name` of a file. A file that did not change is loaded once."""
    if not path.is_file():
        raise FileNotFoundError(f"scheduler: no file {path} (looked for class {name})")
    module = _load(path.resolve(), path.stat().st_mtime_ns)
    found = getattr(module, name, None)
    if not isinstance(found, type):
        own = [key for key, value in vars(module).items() if _is_own(value, module)]
        raise ValueError(
            f"scheduler: {path} has no class {name!r}; it has {', '.join(own) or 'none'}"
        )
    return found


def _is_own(value: object, module: ModuleType) -> bool:
    return isinstance(value, type) and value.__module__ == module.__name__


@lru_cache
def _load(path: Path, modified: int) -> ModuleType:
    name = f"dllm_user_{path.stem}_{abs(hash((path, modified))):x}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"scheduler: {path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        where = _line(error, path)
        raise ImportError(
            f"scheduler: {path}{where} failed to import: {type(error).__name__}: {error}"
        ) from error
    return module


def _line(error: BaseException, path: Path) -> str:
    """`:12`, the last line of the file that the error came through."""
    line = getattr(error, "lineno", None) if isinstance(error, SyntaxError) else None
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(path):
            line = trace.tb_lineno
        trace = trace.tb_next
    return f":{line}" if line else ""
