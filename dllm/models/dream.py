"""Dream, Dream-Coder and DiffuCoder: Qwen2 that sees both ways and predicts the next token.

https://arxiv.org/abs/2508.15487, https://arxiv.org/abs/2506.20639.
"""

from typing import Any

from dllm.models import llamalike
from dllm.models.config import Config, Specials
from dllm.models.family import Family

_PUBLIC = 151668

CHATML = (
    "{% if messages[0].role != 'system' %}<|im_start|>system\n"
    "You are a helpful assistant.<|im_end|>\n{% endif %}"
    "{% for message in messages %}<|im_start|>{{ message.role }}\n"
    "{{ message.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
"""Qwen2's template, without its tools."""


def read_config(raw: dict[str, Any]) -> Config:
    """The transformer that a config.json of this family describes."""
    return llamalike.read_config(raw, llamalike.BIASED, qkv_bias=True, shifted=True)


def read_specials(raw: dict[str, Any]) -> Specials:
    """Special ids as the config has them, or those of the public tokenizer."""
    known = Specials(mask=151666, eos=151643, eot=151645, pad=151643, bos=151643)
    return llamalike.read_specials(raw, _PUBLIC, known)


FAMILY = Family(
    "Dream",
    ("Dream",),
    read_config,
    read_specials,
    llamalike.key_table,
    turn_ends=("<|im_end|>",),
    # The demo of Dream-Instruct.
    recommended={
        "scheduler": "entropy+dream",
        "options": {"steps": 512},
        "gen_length": 512,
        "block_length": 512,
        "temperature": 0.2,
        "top_p": 0.95,
    },
    template=CHATML,
    schedule_ends=(("DiffuCoder", 1e-12), ("", 0.0)),
)
