"""The site's `metadata.json`: what its pages call methods, models and tasks."""

from collections.abc import Sequence
from typing import Any

from benchmarks.leaderboard.methods import METHODS
from benchmarks.leaderboard.tasks import GROUPS, TASKS, TITLES, Task

_COLORS = ("#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#777777", "#000000")
"""A palette that most eyes can tell apart, over again if there are more methods."""
_HUB = "https://huggingface.co/"


def metadata(name: str, model: str, methods: Sequence[str]) -> dict[str, Any]:
    """The page's words for one model (`ORG/MODEL` and its id on the site) and its methods."""
    org, _, title = name.partition("/")
    return {
        "strategies": [_strategy(number, method) for number, method in enumerate(methods)],
        "modelFamilies": [{"id": org.lower(), "displayName": org}],
        "models": [
            {
                "id": model,
                "family": org.lower(),
                "displayName": title,
                "url": f"{_HUB}{name}",
                "strategies": list(methods),
            }
        ],
        "tasks": {_camel(category): _group(category, names) for category, names in GROUPS.items()},
    }


def _strategy(number: int, method: str) -> dict[str, Any]:
    known = any(one.site == method for one in METHODS)
    return {
        "id": method,
        "displayName": method.replace("-", " ").title() if known else method,
        "color": _COLORS[number % len(_COLORS)],
        "url": "",
    }


def _group(category: str, names: Sequence[str]) -> dict[str, Any]:
    items = [{"id": TASKS[name].site, "displayName": _title(TASKS[name])} for name in names]
    return {"displayName": TITLES[category], "items": items}


def _title(task: Task) -> str:
    return task.site.partition("-")[2].replace("_", " ").title()


def _camel(category: str) -> str:
    first, *rest = category.split("_")
    return first + "".join(word.title() for word in rest)
