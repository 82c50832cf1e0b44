"""SDAR and TraDo, dense and with experts: Qwen3 that attends in blocks of 4 (or 8 to 64).

https://arxiv.org/abs/2510.06303, https://arxiv.org/abs/2509.06949.
"""

from typing import Any

from dllm.models import llamalike
from dllm.models.config import Config, Experts, Specials, field
from dllm.models.family import Family

_PUBLIC = 151670

TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
"""Qwen3's template, without its tools and thoughts."""


def read_config(raw: dict[str, Any]) -> Config:
    """The transformer that a config.json of this family describes."""
    experts = _experts(raw) if raw.get("num_experts") else None
    return llamalike.read_config(
        raw,
        llamalike.UNBIASED,
        qk_norm=True,
        causal_block=raw.get("block_size") or 4,
        hidden=0 if experts is not None and not experts.dense else None,
        experts=experts,
    )


def read_specials(raw: dict[str, Any]) -> Specials:
    """Special ids as the config has them, or those of the public tokenizer."""
    known = Specials(mask=151669, eos=151643, eot=151645, pad=151643, bos=151643)
    return llamalike.read_specials(raw, _PUBLIC, known)


def _experts(raw: dict[str, Any]) -> Experts:
    """Qwen3's: weights of those chosen add up to 1."""
    llamalike.refuse_unknown(raw, {"norm_topk_prob": (True,)})
    every = raw.get("decoder_sparse_step") or 1
    plain = set(raw.get("mlp_only_layers") or ())
    layers = range(field(raw, "num_hidden_layers", int))
    return Experts(
        number=field(raw, "num_experts", int),
        chosen=field(raw, "num_experts_per_tok", int),
        hidden=field(raw, "moe_intermediate_size", int),
        dense=tuple(i for i in layers if i in plain or (i + 1) % every),
    )


FAMILY = Family(
    "SDAR",
    ("sdar", "sdar_moe"),
    read_config,
    read_specials,
    llamalike.key_table,
    turn_ends=("<|im_end|>",),
    # Dynamic remasking of the authors' engines; blocks are the model's own.
    recommended={
        "scheduler": "threshold",
        "options": {"threshold": 0.9},
        "cache": "block_causal",
        "gen_length": 2048,
        "temperature": 1.0,
    },
    template=TEMPLATE,
)
