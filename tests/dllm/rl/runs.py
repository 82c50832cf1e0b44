"""Very small runs. As a program: trains in a folder, and may die by its own hand at an update."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import jax
import numpy as np

from dllm.load import Model
from dllm.rl import (
    LoraSettings,
    ObjectiveSettings,
    Question,
    RolloutSettings,
    Settings,
    train,
)
from dllm.train import OptimizerSettings, RunSettings, read_metrics
from tests.dllm.train.runs import tiny

UPDATES = 2
"""On one rollout."""


def letters(random: np.random.Generator) -> Question:
    """A letter, in prompts of different lengths."""
    letter = "abcd"[random.integers(4)]
    return Question(letter * int(random.integers(1, 4)), letter)


def plain(text: str, label: str) -> float:
    """The share of ASCII characters."""
    return float(np.mean([ord(each) < 128 for each in text])) if text else 0.0


def settings(steps: int = 6, rate: float = 1e-2, lora: bool = False, **run: Any) -> Settings:
    """Three rollouts of two prompts with three answers each."""
    return Settings(
        rollout=RolloutSettings(
            "confidence",
            positions=12,
            answer=8,
            prompts=2,
            group=3,
            options={"tokens": 2},
            block_length=4,
        ),
        optimizer=OptimizerSettings(steps=steps, learning_rate=rate, schedule="constant"),
        objective=ObjectiveSettings(updates=UPDATES, epsilon=0.2, beta=0.1),
        lora=LoraSettings(rank=2, alpha=4.0) if lora else None,
        run=RunSettings(
            **{"log_every": 2, "checkpoint_every": 2, "accumulate": 2, "export": "float32", **run}
        ),
    )


def curve(out: Path) -> list[dict[str, Any]]:
    """What a run says of its updates, times left out."""
    rows = [row for row in read_metrics(out / "metrics.jsonl") if "loss" in row]
    return [{k: v for k, v in row.items() if k not in ("seconds", "drawing")} for row in rows]


def dying(out: Path, base: Path, at: int) -> subprocess.Popen[bytes]:
    """Starts a run in a process of its own, which dies at an evaluation."""
    told = {"out": str(out), "base": str(base), "at": at}
    told["quick"] = jax.config.read("jax_disable_most_optimizations")
    with Path(f"{out}.log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "tests.dllm.rl.runs", json.dumps(told)],
            env={**os.environ, "JAX_PLATFORMS": "cpu"},
            stdout=log,
            stderr=log,
        )


def main() -> None:
    told = json.loads(sys.argv[1])
    jax.config.update("jax_disable_most_optimizations", told["quick"])

    def die(step: int, _: Model) -> dict[str, float]:
        if step == told["at"]:
            os.kill(os.getpid(), signal.SIGKILL)
        return {}

    model = tiny(Path(told["base"]))
    train(settings(evaluate_every=2), letters, [plain], out=told["out"], model=model, evaluate=die)


if __name__ == "__main__":
    main()
