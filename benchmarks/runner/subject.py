"""What is measured: a checkpoint, or anything else that denoises and can be asked the questions."""

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple, Protocol

import jax
import numpy as np

import dllm
from benchmarks.tasks.catalogue import kind_of
from benchmarks.tasks.example import Example
from benchmarks.texts.grammar import Grammar
from benchmarks.texts.marks import Mark, mark
from dllm import hosts
from dllm.canvas import Layout
from dllm.decode import Decoded
from dllm.requests import answer_layouts, ids_of
from dllm.results import generation


class Answer(NamedTuple):
    """What was written on one canvas."""

    text: str
    """Up to its end of text."""
    length: int
    """Its tokens."""
    outcome: str
    """As in `dllm.Generation`."""


class Subject(Protocol):
    """What a run needs of its model."""

    @property
    def name(self) -> str:
        """As the user gave it."""
        ...

    @property
    def about(self) -> str:
        """Tells it from others of its name."""
        ...

    @property
    def denoiser(self) -> dllm.Denoiser | dllm.Headed:
        """What the loop calls."""
        ...

    @property
    def ends(self) -> tuple[int, ...]:
        """Tokens that end an answer."""
        ...

    @property
    def never(self) -> Sequence[int]:
        """Tokens that are never written."""
        ...

    @property
    def ids(self) -> Mapping[str, Any]:
        """What rules may ask for: as `dllm.requests.ids_of` tells them."""
        ...

    @property
    def max_length(self) -> int:
        """Positions that a canvas may have."""
        ...

    @property
    def schedule_end(self) -> float | None:
        """Where Dream's schedule ends (`eps`), for models that ParallelBench decodes by it."""
        ...

    def layout(self, example: Example, seed: int) -> Layout:
        """The prompt and the positions of the answer, one block."""
        ...

    def prompt(self, example: Example) -> str:
        """What the model is shown, as text."""
        ...

    def read(self, example: Example, layout: Layout, decoded: Decoded) -> Answer:
        """The answer on a canvas."""
        ...

    def mark(self, example: Example, text: str) -> Mark:
        """What an answer is worth."""
        ...

    def spell(self, example: Example, token: int) -> str:
        """A token as people read it."""
        ...

    @property
    def grader(self) -> str:
        """The version of what grades texts, if anything does."""
        ...

    def operations(self, length: int, positions: int) -> float:
        """Floating point operations of a forward of one row, `positions` of it through the head.

        0 where there is no network.
        """
        ...


@dataclasses.dataclass(frozen=True)
class Checkpoint:
    """A loaded model, asked through its chat template."""

    model: dllm.Model
    grammar: Grammar | None = None
    """What grades texts."""

    @property
    def name(self) -> str:
        return self.model.name

    @property
    def about(self) -> str:
        """With a digest of the weights: another training has the same name and size."""
        return f"{self.model!r} {self._fingerprint}"

    @cached_property
    def _fingerprint(self) -> str:
        return _fingerprint(self.model.network)

    @property
    def grader(self) -> str:
        return "" if self.grammar is None else self.grammar.version

    @property
    def denoiser(self) -> dllm.Denoiser | dllm.Headed:
        return self.model.network

    @property
    def ends(self) -> tuple[int, ...]:
        return self.model.specials.ends

    @property
    def never(self) -> Sequence[int]:
        return [self.model.specials.mask]

    @property
    def ids(self) -> Mapping[str, Any]:
        return ids_of(self.model)

    @property
    def max_length(self) -> int:
        return self.model.config.max_length

    @property
    def schedule_end(self) -> float | None:
        return self.model.family.schedule_end(self.model.name)

    def layout(self, example: Example, seed: int) -> Layout:
        length = kind_of(example.task).gen_length
        return answer_layouts(self.model, [example.messages], length, length, [seed], None)[0]

    def prompt(self, example: Example) -> str:
        if self.model.chat is None:
            raise ValueError(f"{self.name}: has no chat template, and questions are conversations")
        return self.model.chat.render(example.messages)

    def read(self, example: Example, layout: Layout, decoded: Decoded) -> Answer:
        del example
        said = generation(self.model, layout, decoded, self.ends, ())
        return Answer(said.text, len(said.tokens), said.outcome)

    def mark(self, example: Example, text: str) -> Mark:
        return mark(example.task, example.label, text, self.grammar)

    def operations(self, length: int, positions: int) -> float:
        return self.model.config.flops(length, length, positions)

    def spell(self, example: Example, token: int) -> str:
        del example
        tokenizer = self.model.tokenizer
        return (tokenizer.decode([token]) if tokenizer else "") or f"<{token}>"


def _fingerprint(network: Any) -> str:
    """Of the first row of every tensor: they are all trained together."""
    digest = hashlib.sha256()
    for leaf in jax.tree.leaves(network):
        array = np.asarray(hosts.fetch(leaf[(0,) * (leaf.ndim - 1)] if leaf.ndim else leaf))
        digest.update(array.tobytes())
    return digest.hexdigest()[:12]
