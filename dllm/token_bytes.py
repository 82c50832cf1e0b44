"""What each token of a tokenizer writes, in bytes: a grammar reads bytes and not text."""

import json
from typing import Any

import grammar
from dllm.load import Model
from dllm.tokenizer import Tokenizer


def vocabulary_of(
    model: Model, stops: frozenset[int], never: frozenset[int] = frozenset()
) -> grammar.Vocabulary:
    """A model's vocabulary: one entry for each of its logits.

    Args:
        model: With a tokenizer that is byte-level.
        stops: Tokens that end a text.
        never: Tokens that are never written.

    Raises:
        ValueError: there is no tokenizer, or one that does not say its tokens' bytes.
    """
    if model.tokenizer is None:
        raise ValueError(f"{model.name}: has no tokenizer, which grammars need")
    tokens = token_bytes(model.tokenizer, model.config.vocab)
    return grammar.Vocabulary(
        [None if token in never else text for token, text in enumerate(tokens)], stops - never
    )


def token_bytes(tokenizer: Tokenizer, size: int) -> list[bytes | None]:
    """The bytes of ids `0 .. size - 1`; None for special tokens and for ids without a token.

    Raises:
        ValueError: the tokenizer is not byte-level, so that texts are not its tokens' bytes.
    """
    made = json.loads(tokenizer.inner.to_str())
    if not _byte_level(made["decoder"]):
        kind = None if made["decoder"] is None else made["decoder"]["type"]
        raise ValueError(
            f"grammar: the tokenizer must be byte-level, so that tokens are bytes, got decoder "
            f"{kind!r}"
        )
    written: list[bytes | None] = [None] * size
    for text, number in tokenizer.inner.get_vocab(with_added_tokens=False).items():
        if number < size:
            written[number] = bytes(map(_BYTES.__getitem__, text)) if _spelled(text) else None
    for number, token in tokenizer.inner.get_added_tokens_decoder().items():
        if number < size:
            written[number] = None if token.special else token.content.encode()
    return written


def _byte_level(decoder: Any) -> bool:
    if decoder is None:
        return False
    if decoder["type"] == "Sequence":
        return len(decoder["decoders"]) == 1 and _byte_level(decoder["decoders"][0])
    return decoder["type"] == "ByteLevel"


def _spelled(text: str) -> bool:
    return all(char in _BYTES for char in text)


def _byte_characters() -> dict[str, int]:
    """The characters that stand for bytes in byte-level vocabularies (GPT-2's table).

    Printable bytes of Latin-1 stand for themselves, all others for the characters from 256 on.
    """
    shown = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [byte for byte in range(256) if byte not in shown]
    return {chr(byte): byte for byte in shown} | {chr(256 + i): b for i, b in enumerate(hidden)}


_BYTES = _byte_characters()
