"""Text to ids and back: a thin layer over the `tokenizers` package that never makes a hole.

Text that spells the mask token is encoded as ordinary text: an undecided position comes from the
caller alone.
"""

import json
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Any

import tokenizers
from tokenizers import AddedToken, Regex, decoders, models, normalizers, pre_tokenizers

from dllm.models.config import CheckpointError

# The word pattern of Qwen2's tokenizer, which Dream and its kin took over.
_QWEN_WORDS = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|"
    r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_BPE_CLASSES = ("Qwen2Tokenizer", "Qwen2TokenizerFast", "DreamTokenizer")


class Tokenizer:
    """A checkpoint's tokenizer; `mask` is the id that no text may become."""

    def __init__(self, inner: tokenizers.Tokenizer, mask: int) -> None:
        self.inner, self.mask = inner, mask

    def encode(self, text: str) -> list[int]:
        """Ids of a text, without any added at its ends; special tokens in it count as such.

        Raises:
            ValueError: some of the text becomes the mask token whatever is done.
        """
        ids = self.inner.encode(text, add_special_tokens=False).ids
        if self.mask not in ids:
            return ids
        spelled = self.inner.id_to_token(self.mask) or ""
        between = (
            [self.encode(piece) for piece in text.split(spelled)]
            if spelled and spelled in text
            else []
        )
        literal = self._literal.encode(spelled, add_special_tokens=False).ids
        if not between or self.mask in literal:
            raise ValueError(f"prompt: must not spell the mask token {spelled!r}, got {text!r}")
        joined = between[0]
        for piece in between[1:]:
            joined = [*joined, *literal, *piece]
        return joined

    def decode(self, ids: Iterable[int]) -> str:
        """Text of ids without special tokens; undecided positions and unknown ids are left out."""
        return self.inner.decode([i for i in map(int, ids) if i >= 0], skip_special_tokens=True)

    def id_of(self, token: str | None) -> int | None:
        """The id of a token by its exact text, if there is one."""
        return None if token is None else self.inner.token_to_id(token)

    @cached_property
    def _literal(self) -> tokenizers.Tokenizer:
        """The same, but deaf to special tokens."""
        copy = tokenizers.Tokenizer.from_str(self.inner.to_str())
        copy.encode_special_tokens = True
        return copy


def find_tokenizer(folder: Path, mask: int) -> Tokenizer | None:
    """The tokenizer of a folder: `tokenizer.json`, or a BPE's vocabulary and merges."""
    whole, vocab, merges = (
        folder / name for name in ("tokenizer.json", "vocab.json", "merges.txt")
    )
    if whole.is_file():
        try:
            return Tokenizer(tokenizers.Tokenizer.from_str(read_text(whole)), mask)
        except CheckpointError:
            raise
        except Exception as error:  # tokenizers raises plain Exception
            raise CheckpointError(f"{whole}: not a tokenizer ({error})") from None
    if vocab.is_file() and merges.is_file():
        return Tokenizer(_from_merges(folder, vocab, merges), mask)
    return None


def with_mask(raw: dict[str, Any], folder: Path) -> dict[str, Any]:
    """A config.json that names the mask, if the tokenizer does and it did not."""
    named = tokenizer_config(folder)
    text = named.get("mask_token")
    text = text.get("content") if isinstance(text, dict) else text
    if raw.get("mask_token_id") is not None or text is None:
        return raw
    for number, entry in named.get("added_tokens_decoder", {}).items():
        if entry["content"] == text:
            return {**raw, "mask_token_id": int(number)}
    return raw


def refuse_other_vocabulary(folder: Path, tokenizer: Tokenizer, rows: int) -> None:
    """Raises if a tokenizer cannot be that of a model with so many rows of embeddings.

    Its ids must be rows, and what it has at the mask's id must spell a mask.
    """
    largest = max(tokenizer.inner.get_vocab().values())
    if largest >= rows:
        raise CheckpointError(
            f"{folder}: the tokenizer's ids must be below the config's {rows}, got {largest}"
        )
    spelled = tokenizer.inner.id_to_token(tokenizer.mask)
    if spelled is None or "mask" not in spelled.lower():
        raise CheckpointError(
            f"{folder}: the tokenizer is of another vocabulary, its token {tokenizer.mask} must be "
            f"the model's mask, got {spelled!r}"
        )


def tokenizer_config(folder: Path) -> dict[str, Any]:
    """`tokenizer_config.json`, or nothing."""
    path = folder / "tokenizer_config.json"
    return read_json(path) if path.is_file() else {}


def read_text(path: Path) -> str:
    """A text file's content; raises a clear error where it is not UTF-8."""
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise CheckpointError(f"{path}: not UTF-8 (byte {error.start})") from None


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a file."""
    try:
        value = json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise CheckpointError(f"{path}: not JSON ({error})") from None
    if not isinstance(value, dict):
        raise CheckpointError(f"{path}: must hold a JSON object, got {type(value).__name__}")
    return value


def _from_merges(folder: Path, vocab: Path, merges: Path) -> tokenizers.Tokenizer:
    config = tokenizer_config(folder)
    kind = config.get("tokenizer_class")
    if kind not in _BPE_CLASSES:
        raise CheckpointError(
            f"{folder}: a tokenizer of vocab.json and merges.txt must be one of "
            f"{', '.join(_BPE_CLASSES)}, got tokenizer_class {kind!r}"
        )
    made = tokenizers.Tokenizer(models.BPE.from_file(str(vocab), str(merges)))
    made.normalizer = normalizers.NFC()
    made.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_QWEN_WORDS), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    made.decoder = decoders.ByteLevel()
    added = sorted(config.get("added_tokens_decoder", {}).items(), key=lambda item: int(item[0]))
    for number, entry in added:
        token = AddedToken(
            entry["content"],
            single_word=entry.get("single_word", False),
            lstrip=entry.get("lstrip", False),
            rstrip=entry.get("rstrip", False),
            normalized=entry.get("normalized", False),
            special=entry.get("special", True),
        )
        made.add_special_tokens([token]) if token.special else made.add_tokens([token])
        if made.token_to_id(entry["content"]) != int(number):
            raise CheckpointError(
                f"{folder}: added token {entry['content']!r} must have id {number}, "
                f"got {made.token_to_id(entry['content'])}"
            )
    return made
