"""A run is continued with the settings that it was begun with."""

import dataclasses
import json
from pathlib import Path
from typing import Any

_FREE = ("log_every", "checkpoint_every", "evaluate_every", "keep", "export")
"""Settings of a run that change nothing about its losses."""


def refuse_other(settings: dict[str, Any], path: Path, *, fresh: bool) -> None:
    """Raises unless the losses of a run that has begun would go on with these settings.

    Raises:
        ValueError: the first setting that is another.
    """
    now = json.loads(json.dumps(settings))
    if fresh or not path.exists():
        path.write_text(json.dumps(now, indent=1) + "\n", "utf-8")
        return
    before: dict[str, Any] = json.loads(path.read_text("utf-8"))
    for name, value in now.items():
        if before.get(name) != value:
            raise ValueError(
                f"{path}: {name} must stay {json.dumps(before.get(name))} while this run goes on, "
                f"got {json.dumps(value)}; another folder takes a new run"
            )


def deciding(settings: Any, tables: tuple[str, ...]) -> dict[str, Any]:
    """The settings of these tables that decide a run's losses, by `table.key`.

    A table that is left out or a list is one value.
    """
    found: dict[str, Any] = {}
    for table, values in dataclasses.asdict(settings).items():
        if table not in tables:
            continue
        if not isinstance(values, dict):
            found[table] = values
            continue
        found |= {f"{table}.{key}": value for key, value in values.items() if key not in _FREE}
    return found
