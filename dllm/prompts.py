"""Prompts as users write them: text, token ids or a conversation."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np

from dllm.canvas import token_ids
from dllm.chat import ChatTemplate, Message
from dllm.load import Model

Prompt = str | Sequence[int] | Sequence[Message] | np.ndarray
"""A text, token ids, or a conversation."""


def listed(prompts: Any) -> tuple[list[Any], bool]:
    """Prompts as a list, and whether there was but one of them.

    Raises:
        ValueError: there is none.
        TypeError: this is something else.
    """
    if isinstance(prompts, str):
        return [prompts], True
    if not isinstance(prompts, Sequence | np.ndarray):
        raise TypeError(f"prompts: must be texts, token ids or conversations, got {prompts!r}")
    if not len(prompts):
        raise ValueError("prompts: must hold at least one, got none")
    first = prompts[0]
    if isinstance(first, Mapping | int | np.integer):
        return [prompts], True  # one conversation, or the ids of one prompt
    return list(prompts), False


def encode(model: Model, prompt: Any, chat: bool | None = None) -> list[int]:
    """Token ids of one prompt.

    Text becomes a user's message where the checkpoint has a chat template, unless `chat` is false;
    a conversation always goes through the template, its family's if it has none of its own. Ids are
    taken as they are.
    """
    if not isinstance(prompt, str) and not (len(prompt) and isinstance(prompt[0], Mapping)):
        return _checked(model, token_ids(prompt))
    if model.tokenizer is None:
        raise ValueError(f"{model.name}: has no tokenizer; give prompts as token ids")
    if isinstance(prompt, str):
        if chat is False or (chat is None and model.chat is None):
            return model.tokenizer.encode(prompt)
        prompt = [{"role": "user", "content": prompt}]
    template = model.chat or _of_family(model)
    if template is None:
        raise ValueError(f"{model.name}: has no chat template; give prompts as text or token ids")
    return model.tokenizer.encode(template.render(prompt))


def _of_family(model: Model) -> ChatTemplate | None:
    """The family's template, if the tokenizer knows its turns."""
    family, tokenizer = model.family, model.tokenizer
    if family.template is None or tokenizer is None:
        return None
    if all(tokenizer.id_of(text) is None for text in family.turn_ends):
        return None
    bos = model.specials.bos
    return _template(family.template, "" if bos is None else tokenizer.inner.id_to_token(bos) or "")


@cache
def _template(source: str, bos: str) -> ChatTemplate:
    return ChatTemplate(source, {"bos_token": bos})


def _checked(model: Model, ids: list[int]) -> list[int]:
    strange = [i for i in ids if not 0 <= i < model.config.vocab]
    if strange:
        raise ValueError(
            f"prompt: token ids must be in [0, {model.config.vocab}), got {strange[0]}"
        )
    return ids


def refuse_too_long(model: Model, number: int, prompt: int, gen_length: int) -> None:
    """Raises if a prompt and its answer do not fit the model."""
    most = model.config.max_length
    if prompt + gen_length > most:
        raise ValueError(
            f"prompt {number}: {prompt} tokens and gen_length {gen_length} must fit the model's "
            f"{most} positions"
        )
