"""Tiny-A2D: Qwen3 turned into a masked-diffusion model, full (MDLM) or in blocks (BD3LM).

Both kinds say the same of themselves. One that attends in blocks is loaded with their length,
`dllm.load(…, causal_block=32)`, unless its config has a `block_size`.
"""

from typing import Any

from dllm.models import llamalike
from dllm.models.config import Config, Specials
from dllm.models.family import Family
from dllm.models.sdar import TEMPLATE

_PUBLIC = 151670


def read_config(raw: dict[str, Any]) -> Config:
    """The transformer that a config.json of this family describes."""
    return llamalike.read_config(
        raw, llamalike.UNBIASED, qk_norm=True, causal_block=raw.get("block_size")
    )


def read_specials(raw: dict[str, Any]) -> Specials:
    """The mask is a token added behind Qwen3's; the tokenizer says so too."""
    known = Specials(mask=151669, eos=151645, eot=151645, pad=151643)
    return llamalike.read_specials(raw, _PUBLIC, known)


FAMILY = Family(
    "Tiny-A2D",
    ("a2d-qwen3",),
    read_config,
    read_specials,
    llamalike.key_table,
    turn_ends=("<|im_end|>",),
    recommended={
        "scheduler": "confidence",
        "block_length": 32,
        "gen_length": 256,
        "temperature": 0.0,
    },
    template=TEMPLATE,
)
