"""Mask times of left-to-right engines on a text of JSON, beside this one's (extra `peers`).

Theirs is the mask of the next position, behind everything before it. Ours are the masks of all
holes of a canvas, with what stands on both sides. Peers that are not installed are left out.
"""

import json
import sys
import time
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType
from typing import Any

import numpy as np

from grammar import MASK, Compiled, Vocabulary

TEXT = json.dumps(
    {
        "name": "Ada Lovelace",
        "born": "1815-12-10",
        "tags": ["analyst", "poet", {"score": -12.5e3, "ok": True}],
        "items": [{"id": number, "price": 3 * number, "note": None} for number in range(6)],
    }
)


def tokenise(vocabulary: Vocabulary, text: bytes) -> list[int]:
    """A text as the longest tokens that fit, one after the other."""
    ids = {own: token for token, own in enumerate(vocabulary.tokens) if own}
    longest, found = max(map(len, ids)), []
    while text:
        size = next(n for n in range(longest, 0, -1) if text[:n] in ids)
        found.append(ids[text[:size]])
        text = text[size:]
    return found


def mask_times(compiled: Compiled) -> dict[str, Any]:
    """Microseconds a mask of any JSON, of ours a hole: quantiles over a text, on one thread."""
    vocabulary = compiled.vocabulary
    tokens = tokenise(vocabulary, TEXT.encode())
    told: dict[str, Any] = {
        "tokens": len(tokens),
        "holes_of_32": _quantiles(_own(compiled, tokens)),
    }
    for name, times in PEERS.items():
        if find_spec(name):
            told[name] = _quantiles(times(vocabulary, tokens))
    return told


def _own(compiled: Compiled, tokens: list[int]) -> list[float]:
    """A hole of 32 tokens moves through the text."""
    compiled.masks([MASK] * 32)
    taken = []
    for begin in range(0, len(tokens) - 31, 4):
        canvas = tokens[:begin] + [MASK] * 32 + tokens[begin + 32 :]
        taken.append(_timed(lambda canvas=canvas: compiled.masks(canvas)) / 32)
    return taken


def _llguidance(vocabulary: Vocabulary, tokens: list[int]) -> list[float]:
    library = import_module("llguidance")
    wrapper = library.TokenizerWrapper(_Tokenizer(vocabulary))
    grammar = library.LLMatcher.grammar_from_json_schema("{}")
    matcher = library.LLMatcher(library.LLTokenizer(wrapper), grammar)
    return _walk(matcher.compute_bitmask, matcher.consume_token, tokens)


def _xgrammar(vocabulary: Vocabulary, tokens: list[int]) -> list[float]:
    import_module("tvm_ffi")  # before the stand-ins: it looks whether torch is there
    library = import_without("xgrammar", ("torch", "transformers"))
    texts = [text or b"" for text in vocabulary.tokens]
    stops = sorted(vocabulary.stop_ids)
    info = library.TokenizerInfo(
        texts, library.VocabType.RAW, vocab_size=len(texts), stop_token_ids=stops
    )
    compiler = library.GrammarCompiler(info, max_threads=1)
    matcher = library.GrammarMatcher(compiler.compile_builtin_json_grammar())
    bits = np.full((1, -(-len(texts) // 32)), -1, np.int32)
    return _walk(lambda: matcher.fill_next_token_bitmask(bits), matcher.accept_token, tokens)


PEERS = {"llguidance": _llguidance, "xgrammar": _xgrammar}


def import_without(name: str, named: Sequence[str]) -> ModuleType:
    """Imports a library that only names others where we call it; what is missing is stood in for.

    xgrammar imports torch for the type of its masks, which are written to any array, and
    transformers for tokenizers.
    """
    absent = [other for other in named if find_spec(other) is None]
    sys.modules.update({other: _StandIn(other) for other in absent})
    try:
        return import_module(name)
    finally:
        for other in absent:
            del sys.modules[other]


class _StandIn(ModuleType):
    """A module in which every name is a class of its own that takes anything."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.__spec__ = ModuleSpec(name, None)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {"__init__": lambda *_, **__: None})


class _Tokenizer:
    """What llguidance asks of a tokenizer."""

    def __init__(self, vocabulary: Vocabulary):
        self.vocabulary = vocabulary
        self.tokens = [text or b"<control>" for text in vocabulary.tokens]
        self.eos_token_id = self.bos_token_id = min(vocabulary.stop_ids)
        self.special_token_ids = sorted(vocabulary.stop_ids)

    def __call__(self, text: bytes | str) -> list[int]:
        return tokenise(self.vocabulary, text if isinstance(text, bytes) else text.encode())


def _walk(mask: Callable[[], Any], accept: Callable[[int], Any], tokens: list[int]) -> list[float]:
    taken = []
    for token in tokens:
        taken.append(_timed(mask))
        if not accept(token):
            raise ValueError(f"a peer must accept every token of the text, got {token} refused")
    return taken


def _timed(call: Callable[[], Any]) -> float:
    """Microseconds of processor time."""
    begun = time.thread_time()
    call()
    return 1e6 * (time.thread_time() - begun)


def _quantiles(taken: list[float]) -> dict[str, float]:
    found = np.quantile(taken, [0.5, 0.99]).tolist()
    return {"mean_us": float(np.mean(taken)), "p50_us": found[0], "p99_us": found[1]}
