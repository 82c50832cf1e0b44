"""WeDLM (8B from Qwen3, 7B from Qwen2.5): causal attention over tokens in another order.

Decided tokens come first, undecided ones behind them, each with its true position; the logits of an
undecided slot are about the token in it. What stands before the first undecided position never
changes, and keys and values of it are exact.
"""

from typing import Any

from dllm.models import llamalike
from dllm.models.config import Config, Specials
from dllm.models.dream import CHATML
from dllm.models.family import Family

_PUBLIC = 151667


def read_config(raw: dict[str, Any]) -> Config:
    """The transformer that a config.json of this family describes."""
    return llamalike.read_config(
        raw,
        {"attention_bias": (False, True, None), "qk_norm": (False, True, None)},
        qkv_bias=bool(raw.get("attention_bias")),
        qk_norm=bool(raw.get("qk_norm")),
        reordered=True,
    )


def read_specials(raw: dict[str, Any]) -> Specials:
    """Some configs leave the mask to the tokenizer."""
    known = Specials(mask=151666, eos=151643, eot=151645, pad=151643)
    return llamalike.read_specials(raw, _PUBLIC, known)


FAMILY = Family(
    "WeDLM",
    ("wedlm",),
    read_config,
    read_specials,
    llamalike.key_table,
    turn_ends=("<|im_end|>",),
    recommended={
        "scheduler": "threshold",
        "options": {"threshold": 0.9},
        "cache": "block_causal",
        "block_length": 16,
        "gen_length": 1024,
        "temperature": 0.0,
    },
    template=CHATML,
)
