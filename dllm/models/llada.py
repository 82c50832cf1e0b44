"""LLaDA (8B Base and Instruct, 1.5): config keys in OLMo's style, tensor names of its own.

https://arxiv.org/abs/2502.09992. The published code has switches that no public checkpoint uses;
a checkpoint that turns one on is refused by name.
"""

from typing import Any

from dllm.models.config import CheckpointError, Config, Specials, field
from dllm.models.family import Family
from dllm.models.llamalike import refuse_unknown
from dllm.models.table import Entry, Table

_FIXED = {
    "block_type": ("llama",),
    "layer_norm_type": ("rms",),
    "activation_type": ("silu",),
    "rope": (True,),
    "rope_full_precision": (True,),
    "alibi": (False,),
    "include_bias": (False,),
    "include_qkv_bias": (False, None),
    "bias_for_layer_norm": (False, None),
    "layer_norm_with_affine": (True,),
    "attention_layer_norm": (False,),
    "input_emb_norm": (False,),
    "scale_logits": (False,),
    "block_group_size": (1,),
}

_VOCABULARY = 126349
"""Ids of the public tokenizer."""

_SPECIALS = {"mask": 126336, "eos": 126081, "pad": 126081, "bos": 126080}
"""Its special ids, for a config that does not say."""

_TEMPLATE = (
    "{% for message in messages %}{% if loop.first %}{{ bos_token }}{% endif %}"
    "<|start_header_id|>{{ message.role }}<|end_header_id|>\n\n{{ message.content | trim }}"
    "<|eot_id|>{% endfor %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}"
)

_LAYER = {
    "attn_norm.weight": "attention_norm.weight",
    "q_proj.weight": "attention.query.weight",
    "k_proj.weight": "attention.key.weight",
    "v_proj.weight": "attention.value.weight",
    "attn_out.weight": "attention.output.weight",
    "ff_norm.weight": "mlp_norm.weight",
    "ff_proj.weight": "mlp.gate.weight",
    "up_proj.weight": "mlp.up.weight",
    "ff_out.weight": "mlp.down.weight",
}


def read_config(raw: dict[str, Any]) -> Config:
    """The transformer that a config.json of this family describes."""
    refuse_unknown(raw, _FIXED)
    width, heads = field(raw, "d_model", int), field(raw, "n_heads", int)
    kv_heads = raw.get("n_kv_heads") or (1 if raw.get("multi_query_attention") else heads)
    if width % heads or heads % kv_heads:
        raise CheckpointError(
            "config.json: n_heads must divide d_model and n_kv_heads divide n_heads, got "
            f"d_model {width}, n_heads {heads}, n_kv_heads {kv_heads}"
        )
    return Config(
        layers=field(raw, "n_layers", int),
        width=width,
        heads=heads,
        kv_heads=kv_heads,
        head_dim=width // heads,
        hidden=raw.get("mlp_hidden_size") or field(raw, "mlp_ratio", int) * width,
        vocab=raw.get("embedding_size") or field(raw, "vocab_size", int),
        max_length=field(raw, "max_sequence_length", int),
        rope_theta=float(field(raw, "rope_theta", (int, float))),
        norm_eps=float(field(raw, "rms_norm_eps", (int, float))),
        tied=field(raw, "weight_tying", bool),
    )


def read_specials(raw: dict[str, Any]) -> Specials:
    """Special ids as the config has them, or those of the public tokenizer.

    The end of a turn is left to the tokenizer, which Base and Instruct do not share.
    """
    public = read_config(raw).vocab >= _VOCABULARY
    known = {f"{name}_token_id": i for name, i in _SPECIALS.items()} if public else {}
    stated = {key: value for key, value in raw.items() if value is not None}
    ids = {**known, **stated}
    return Specials(
        mask=field(ids, "mask_token_id", int),
        eos=ids.get("eos_token_id"),
        pad=ids.get("pad_token_id"),
        bos=ids.get("bos_token_id"),
    )


def key_table(config: Config) -> Table:
    """What each tensor of a checkpoint is."""
    root = "model.transformer."
    table: Table = {
        f"{root}wte.weight": Entry(("embedding",)),
        f"{root}ln_f.weight": Entry(("norm.weight",)),
    }
    if not config.tied:
        table[f"{root}ff_out.weight"] = Entry(("output.weight",))
    for layer in range(config.layers):
        for name, path in _LAYER.items():
            table[f"{root}blocks.{layer}.{name}"] = Entry((f"layers.{layer}.{path}",))
    return table


FAMILY = Family(
    "LLaDA",
    ("llada",),
    read_config,
    read_specials,
    key_table,
    turn_ends=("<|eot_id|>",),
    # Fast-dLLM's settings for LLaDA: arXiv 2505.22618.
    recommended={
        "scheduler": "threshold",
        "block_length": 32,
        "gen_length": 256,
        "temperature": 0.0,
    },
    template=_TEMPLATE,
)
