"""iLLaDA (8B Base and Instruct): Llama's names, grouped queries, a tied head that is stored too."""

from typing import Any

from dllm.models import llamalike
from dllm.models.config import Config, Specials
from dllm.models.family import Family

_KNOWN = {**llamalike.UNBIASED, "layer_norm_eps": (None,)}
_PUBLIC = 155136


def read_config(raw: dict[str, Any]) -> Config:
    """The transformer that a config.json of this family describes."""
    return llamalike.read_config(raw, _KNOWN)


def read_specials(raw: dict[str, Any]) -> Specials:
    """Neither config nor tokenizer names the mask; the authors say that it is id 5."""
    known = Specials(mask=5, eos=2, pad=1, bos=0)
    return llamalike.read_specials({"mask_token_id": known.mask, **raw}, _PUBLIC, known)


FAMILY = Family(
    "iLLaDA",
    ("illada",),
    read_config,
    read_specials,
    llamalike.key_table,
    turn_ends=(),
    # The published evaluation: one token a step, blocks of 32, until a block holds the end.
    recommended={
        "scheduler": "confidence",
        "block_length": 32,
        "gen_length": 1024,
        "temperature": 0.0,
    },
)
