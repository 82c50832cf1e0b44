"""Examples as token ids, the same way that `dllm.generate` reads prompts.

One thing is stricter: text that spells a special token is that text and never the token. A data set
could otherwise end turns and answers wherever it likes.
"""

import re
from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

import tokenizers

from dllm.chat import Message
from dllm.load import Model
from dllm.tokenizer import Tokenizer
from dllm.train.data import Example, Prompt

_STAND_IN = "\ue0f1\ue0f2\ue0f1"
"""Takes the place of a spelled special token while the chat template is rendered."""


class Encoded(NamedTuple):
    """Token ids of one example."""

    prompt: list[int]
    answer: list[int]


class Encoder:
    """The tokenizer and chat template of a model, for whole batches.

    Raises:
        ValueError: the model has no tokenizer.
    """

    def __init__(self, model: Model) -> None:
        if model.tokenizer is None:
            raise ValueError(f"{model.name}: training needs a tokenizer, the checkpoint has none")
        self._tokenizer: Tokenizer = model.tokenizer
        self._name, self._chat = model.name, model.chat

    def encode(self, examples: Sequence[Example]) -> list[Encoded]:
        """Ids of examples, without end-of-text."""
        plain = self._tokenizer.inner
        spelled = [self._spells_special(example.prompt) for example in examples]
        texts = [
            "" if guarded else self._render(example.prompt)
            for example, guarded in zip(examples, spelled, strict=True)
        ]
        prompts = [e.ids for e in plain.encode_batch_fast(texts, add_special_tokens=False)]
        for index, guarded in enumerate(spelled):
            if guarded:
                prompts[index] = self._guarded(examples[index].prompt)
        answers = self._literal.encode_batch_fast(
            [example.answer for example in examples], add_special_tokens=False
        )
        return [Encoded(p, a.ids) for p, a in zip(prompts, answers, strict=True)]

    def _render(self, prompt: Prompt) -> str:
        if isinstance(prompt, str):
            if self._chat is None:
                return prompt
            prompt = [{"role": "user", "content": prompt}]
        if self._chat is None:
            raise ValueError(f"{self._name}: has no chat template; give prompts as text")
        return self._chat.render(prompt)

    def _spells_special(self, prompt: Prompt) -> bool:
        texts = [prompt] if isinstance(prompt, str) else [m["content"] for m in prompt]
        return self._specials is not None and any(self._specials.search(text) for text in texts)

    def _guarded(self, prompt: Prompt) -> list[int]:
        """A prompt whose spelled special tokens are encoded as ordinary text."""
        assert self._specials is not None
        found: list[str] = []

        def take(match: re.Match[str]) -> str:
            found.append(match[0])
            return _STAND_IN

        def without(text: str) -> str:
            return self._specials.sub(take, text) if self._specials else text

        if isinstance(prompt, str):
            rendered = self._render(without(prompt))
        else:
            safe: list[Message] = [{**m, "content": without(m["content"])} for m in prompt]
            rendered = self._render(safe)
        pieces = rendered.split(_STAND_IN)
        ids = self._tokenizer.encode(pieces[0])
        for text, piece in zip(found, pieces[1:], strict=True):
            literal = self._literal.encode(text, add_special_tokens=False).ids
            ids = [*ids, *literal, *self._tokenizer.encode(piece)]
        return ids

    @cached_property
    def _specials(self) -> re.Pattern[str] | None:
        added = self._tokenizer.inner.get_added_tokens_decoder().values()
        texts = sorted((token.content for token in added if token.special), key=len, reverse=True)
        return re.compile("|".join(map(re.escape, texts))) if texts else None

    @cached_property
    def _literal(self) -> tokenizers.Tokenizer:
        """The tokenizer, deaf to special tokens."""
        copy = tokenizers.Tokenizer.from_str(self._tokenizer.inner.to_str())
        copy.encode_special_tokens = True
        return copy
