"""LLaDA2.0 and 2.1 (mini and flash): 256 experts in 8 groups, attention in blocks of 32.

https://arxiv.org/abs/2512.15745. Queries, keys and values are one tensor, half of each head is
turned, the first layer is dense, and every other has a shared expert.
"""

from typing import Any

from dllm.models import llamalike
from dllm.models.config import Config, Experts, Specials, field
from dllm.models.family import Family
from dllm.models.llada_moe import ROLES, partial_rotary
from dllm.models.table import Entry, Table

_KNOWN: llamalike.Known = {
    "norm_head": (False, None),
    "norm_softmax": (False, None),
    "score_function": ("sigmoid",),
    "use_bias": (False, None),
    "use_qkv_bias": (False, None),
    "use_qk_norm": (True,),
    "use_rmsnorm": (True, None),
    "router_dtype": ("fp32", None),
}
_PUBLIC = 157153
_BLOCK = 32
"""Not in the config."""

_LAYER = {
    "input_layernorm.weight": "attention_norm.weight",
    "post_attention_layernorm.weight": "mlp_norm.weight",
    "attention.dense.weight": "attention.output.weight",
    "attention.query_layernorm.weight": "attention.query_norm.weight",
    "attention.key_layernorm.weight": "attention.key_norm.weight",
}


def read_config(raw: dict[str, Any]) -> Config:
    """The transformer that a config.json of this family describes."""
    return llamalike.read_config(
        raw,
        _KNOWN,
        qk_norm=True,
        causal_block=_BLOCK,
        rotary_dim=partial_rotary(raw),
        experts=_experts(raw),
    )


def read_specials(raw: dict[str, Any]) -> Specials:
    """The config does not name the mask."""
    return llamalike.read_specials(raw, _PUBLIC, Specials(mask=156895, eos=156892, pad=156892))


def key_table(config: Config) -> Table:
    """What each tensor of a checkpoint is."""
    experts = config.experts
    assert experts is not None
    table: Table = {
        "model.word_embeddings.weight": Entry(("embedding",)),
        "model.norm.weight": Entry(("norm.weight",)),
        **llamalike.head(config),
    }
    for layer in range(config.layers):
        root, own = f"model.layers.{layer}.", f"layers.{layer}."
        names = dict(_LAYER)
        joined = (f"{own}attention.{part}.weight" for part in ("query", "key", "value"))
        table[f"{root}attention.query_key_value.weight"] = Entry(tuple(joined))
        if layer in experts.dense:
            names |= llamalike.mlp("mlp.", "mlp.")
        else:
            table |= llamalike.experts(experts, f"{root}mlp.experts.", f"{own}mlp.")
            names["mlp.gate.weight"] = "mlp.router.weight"
            if experts.bias is not None:
                names["mlp.gate.expert_bias"] = "mlp.router.bias"
            if experts.shared:
                names |= llamalike.mlp("mlp.shared_experts.", "mlp.shared.")
        table |= {root + name: Entry((own + path,)) for name, path in names.items()}
    return table


def _experts(raw: dict[str, Any]) -> Experts:
    hidden = field(raw, "moe_intermediate_size", int)
    return Experts(
        number=field(raw, "num_experts", int),
        chosen=field(raw, "num_experts_per_tok", int),
        hidden=hidden,
        score="sigmoid",
        bias="choice" if raw.get("moe_router_enable_expert_bias") else None,
        normalised=bool(raw.get("norm_topk_prob", True)),
        scale=float(field(raw, "routed_scaling_factor", (int, float))),
        groups=field(raw, "n_group", int),
        kept_groups=field(raw, "topk_group", int),
        shared=hidden * (raw.get("num_shared_experts") or 0),
        dense=tuple(range(field(raw, "first_k_dense_replace", int))),
    )


FAMILY = Family(
    "LLaDA2",
    ("llada2_moe",),
    read_config,
    read_specials,
    key_table,
    turn_ends=("<|role_end|>",),
    # 2.1's model card, for quality. 2.0 edits nothing: its rule is threshold, at 0.95.
    recommended={
        "scheduler": "editing",
        "options": {"threshold": 0.7, "editing_threshold": 0.5, "max_post_steps": 16},
        "cache": "block_causal",
        "gen_length": 2048,
        "temperature": 0.0,
    },
    template=ROLES,
)
