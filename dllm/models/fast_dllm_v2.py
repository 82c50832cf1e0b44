"""Fast-dLLM v2 (7B and 1.5B): Qwen2.5 in blocks of 32 that predicts the next token.

https://arxiv.org/abs/2509.26328. The first token of a block is that which the last position of the
finished block before it predicts, as everywhere in a model that predicts the next token.
"""

from typing import Any

from dllm.models import llamalike
from dllm.models.config import Config, Specials
from dllm.models.dream import CHATML
from dllm.models.family import Family

_PUBLIC = 151666


def read_config(raw: dict[str, Any]) -> Config:
    """The transformer that a config.json of this family describes."""
    return llamalike.read_config(
        raw,
        llamalike.BIASED,
        qkv_bias=True,
        causal_block=raw.get("bd_size") or 32,
        shifted=True,
    )


def read_specials(raw: dict[str, Any]) -> Specials:
    """The config does not name the mask."""
    known = Specials(mask=151665, eos=151645, eot=151645, pad=151645, bos=151643)
    return llamalike.read_specials(raw, _PUBLIC, known)


FAMILY = Family(
    "Fast-dLLM v2",
    ("Fast_dLLM_Qwen",),
    read_config,
    read_specials,
    llamalike.key_table,
    turn_ends=("<|im_end|>",),
    # The authors fill sub-blocks of 8 positions from left to right.
    recommended={
        "scheduler": "threshold",
        "options": {"threshold": 0.9},
        "block_length": 8,
        "gen_length": 2048,
        "temperature": 0.0,
    },
    template=CHATML,
)
