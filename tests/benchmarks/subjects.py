"""Models to run: a checkpoint of random weights, and one that answers without a network."""

import dataclasses
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

import dllm
from benchmarks.runner.subject import Answer
from benchmarks.suites import Question, ask
from benchmarks.tasks import official
from benchmarks.tasks.example import Example
from benchmarks.texts.marks import Mark, mark
from benchmarks.tiny import vocabulary
from dllm.canvas import Layout, blocks
from dllm.decode import Decoded
from dllm.load import load
from samplers import MASK, part
from tests import checkpoints
from tests.benchmarks.parallelbench import as_row, own_names, write_rows


def make(folder: Path) -> Path:
    """A checkpoint of random weights with the tiny model's tokenizer."""
    changed: dict[str, Any] = {
        **{"mask_token_id": 2044, "eos_token_id": 2045, "pad_token_id": 2045},
        **{"vocab_size": 2048, "embedding_size": 2048, "n_layers": 1},
    }
    checkpoints.make(folder, **changed)
    vocabulary.write_tokenizer(folder)
    return folder


@cache
def random_model() -> dllm.Model:
    with TemporaryDirectory() as folder:
        return load(make(Path(folder) / "random"))


def rows_of(folder: Path, *tasks: str) -> Path:
    """A folder of official rows with our own names."""
    for task in tasks:
        write_rows(folder, task, [as_row(made) for made in official.instances(task, own_names())])
    return folder


@part
class Even:
    """Logits that prefer a token by its position, a little more surely from left to right."""

    sure: Any

    def logits(
        self, canvas: Int[Array, "rows length"], start: Int[Array, " rows"], window: int
    ) -> Float[Array, "rows window vocab"]:
        at = start[:, None] + jnp.arange(window)[None]
        best = jax.nn.one_hot(at % 4, 8)
        return best * (jnp.asarray(self.sure) + at / 16)[..., None]


@dataclasses.dataclass(frozen=True)
class Fake:
    """A subject that is right in every other example."""

    name: str = "fake"
    about: str = "fake 1"
    positions: int = 8
    max_length: int = 128
    ends: tuple[int, ...] = ()
    never: Sequence[int] = ()
    grader: str = ""
    schedule_end: float | None = None
    ids: Mapping[str, int] = dataclasses.field(default_factory=lambda: {"vocab": 8})

    @property
    def denoiser(self) -> dllm.Denoiser:
        return Even(jax.device_put(jnp.ones(()), jax.devices()[0]))  # as loaded weights are

    def layout(self, example: Example, seed: int) -> Layout:
        prompt = 20 if example.task == "sort" else 3  # two groups of canvases
        ids = [*[0] * prompt, *[MASK] * self.positions]
        return Layout(ids, prompt, blocks(prompt, self.positions), seed)

    def prompt(self, example: Example) -> str:
        return f"<user>{example.prompt}<assistant>"

    def read(self, example: Example, layout: Layout, decoded: Decoded) -> Answer:
        right = layout.seed % 2 == 0
        return Answer(example.answer if right else "no idea", 3, "filled")

    def mark(self, example: Example, text: str) -> Mark:
        return mark(example.task, example.label, text)

    def operations(self, length: int, positions: int) -> float:
        return 0.0

    def spell(self, example: Example, token: int) -> str:
        return f"t{token}"


def questions(count: int = 6, *tasks: str) -> list[Question]:
    """Of the embedded suite."""
    return ask("embedded", tasks or ("copy", "sort"), count)
