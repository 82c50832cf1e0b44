"""What a task hands out: an instance of its rules, and an example that words it for a model."""

from collections.abc import Mapping
from typing import Any, NamedTuple

Label = Any
"""What the grader compares with: JSON values, in the shapes of ParallelBench's rows."""

Key = tuple[str, ...]
"""What is asked, whatever the wording: equal keys mean the same question."""

Turn = tuple[str, str]
"""What a user said and an assistant answered."""


class Instance(NamedTuple):
    """One question of a task, before it is put into words."""

    task: str
    fields: dict[str, str | int]
    """What the wording shows, by the names of ParallelBench's templates."""
    answer: str
    """One that the grader accepts."""
    label: Label

    @property
    def key(self) -> Key:
        """The task and its fields."""
        return key_of(self.task, self.fields)


class Example(NamedTuple):
    """One question in words."""

    task: str
    prompt: str
    answer: str
    label: Label
    turns: tuple[Turn, ...] = ()
    """What stands before the prompt."""
    key: Key = ()

    @property
    def messages(self) -> list[dict[str, str]]:
        """The conversation up to the question, as `dllm.generate` takes it."""
        said = [text for turn in self.turns for text in turn] + [self.prompt]
        roles = ("user", "assistant")
        return [{"role": roles[i % 2], "content": text} for i, text in enumerate(said)]


def key_of(task: str, fields: Mapping[str, Any]) -> Key:
    """The identity of a question; the order of its fields does not matter."""
    return (task, *(f"{name}={value}" for name, value in sorted(fields.items())))


def worded(instance: Instance, prompt: str, turns: tuple[Turn, ...] = ()) -> Example:
    """An instance in given words."""
    return Example(instance.task, prompt, instance.answer, instance.label, turns, instance.key)
