"""Schedulers: pure functions on one row. Read `samplers.base` first. Users import `dllm`."""

from samplers.base import MASK, VOID, Move, Place, Prediction, Scheduler, View
from samplers.combine import combine
from samplers.pytree import part, scheduler, static

__all__ = [
    "MASK",
    "VOID",
    "Move",
    "Place",
    "Prediction",
    "Scheduler",
    "View",
    "combine",
    "part",
    "scheduler",
    "static",
]
