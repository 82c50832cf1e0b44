"""Chat templates: a checkpoint's own jinja text, rendered in a sandbox."""

import datetime
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment

from dllm.models.config import CheckpointError
from dllm.tokenizer import read_text, tokenizer_config

Message = Mapping[str, Any]
"""`{"role": "user", "content": "…"}`."""


class ChatTemplate:
    """How messages become the text that a model was tuned on."""

    def __init__(self, source: str, tokens: Mapping[str, str]) -> None:
        environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
        environment.filters["tojson"] = _to_json
        environment.globals |= {"raise_exception": _refuse, "strftime_now": _now}
        try:
            self._template = environment.from_string(source)
        except jinja2.TemplateError as error:
            raise CheckpointError(f"chat template: {error}") from None
        self._tokens = dict(tokens)

    def render(self, messages: Sequence[Message]) -> str:
        """The prompt text of a conversation, up to where the assistant begins to answer."""
        for message in messages:
            if not {"role", "content"} <= set(message):
                raise ValueError(f"chat: a message needs a role and a content, got {message!r}")
        try:
            return self._template.render(
                messages=list(messages), add_generation_prompt=True, **self._tokens
            )
        except jinja2.TemplateError as error:
            raise ValueError(f"chat template: {error}") from None


def find_template(folder: Path) -> ChatTemplate | None:
    """The chat template of a checkpoint's folder."""
    config = tokenizer_config(folder)
    tokens = {
        name: value if isinstance(value, str) else value.get("content", "")
        for name, value in config.items()
        if name.endswith("_token") and isinstance(value, str | dict)
    }
    own = folder / "chat_template.jinja"
    source = read_text(own) if own.is_file() else config.get("chat_template")
    if isinstance(source, list):  # several, by name
        named = {entry["name"]: entry["template"] for entry in source}
        source = named.get("default", next(iter(named.values()), None))
    return None if not source else ChatTemplate(source, tokens)


def _to_json(value: Any, indent: int | None = None) -> str:
    return json.dumps(value, ensure_ascii=False, indent=indent)


def _refuse(message: str) -> NoReturn:
    raise jinja2.TemplateError(message)


def _now(form: str) -> str:
    return datetime.datetime.now().strftime(form)
