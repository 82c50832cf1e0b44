"""LLaDA-MoE (7B-A1B): Llama's names, a norm on queries and keys, 64 experts of which 8 are run.

https://arxiv.org/abs/2509.24389. Its `model_type` is the dense LLaDA's.
"""

from typing import Any

from dllm.models import llamalike
from dllm.models.config import CheckpointError, Config, Experts, Specials, field
from dllm.models.family import Family
from dllm.models.table import Entry, Table

_KNOWN: llamalike.Known = {
    **llamalike.UNBIASED,
    "clip_qkv": (None,),
    "qk_layernorm": (True, None),
    "moe_router_score_function": ("softmax", None),
    "norm_topk_prob": (False, None),  # the published code never makes weights add up to 1
    "routed_scaling_factor": (1, None),
    "router_num_group": (None, 1),
    "router_topk_group": (None, 1),
}
_PUBLIC = 156896

ROLES = (
    "{% if messages[0].role != 'system' %}<role>SYSTEM</role>detailed thinking off<|role_end|>"
    "{% endif %}{% for message in messages %}<role>"
    "{{ {'user': 'HUMAN'}.get(message.role, message.role | upper) }}</role>"
    "{{ message.content }}<|role_end|>{% endfor %}"
    "{% if add_generation_prompt %}<role>ASSISTANT</role>{% endif %}"
)
"""The template of this family and of LLaDA2."""


def read_config(raw: dict[str, Any]) -> Config:
    """The transformer that a config.json of this family describes."""
    experts = _experts(raw)
    return llamalike.read_config(
        raw,
        _KNOWN,
        qk_norm=True,
        rotary_dim=partial_rotary(raw),
        hidden=field(raw, "dense_intermediate_size", int) if experts.dense else 0,
        experts=experts,
    )


def read_specials(raw: dict[str, Any]) -> Specials:
    """The config does not name the mask."""
    return llamalike.read_specials(raw, _PUBLIC, Specials(mask=156895, eos=156892, pad=156892))


def key_table(config: Config) -> Table:
    """Llama's names; a shared expert stands beside the MLP."""
    table = llamalike.key_table(config)
    experts = config.experts
    assert experts is not None
    for layer in sorted(set(range(config.layers)) - set(experts.dense)):
        root, own = f"model.layers.{layer}.", f"layers.{layer}.mlp."
        if experts.bias is not None:
            table[f"{root}mlp.expert_bias"] = Entry((f"{own}router.bias",))
        if experts.shared:
            shared = llamalike.mlp("shared_expert.", f"{own}shared.")
            table |= {root + name: Entry((path,)) for name, path in shared.items()}
    return table


def partial_rotary(raw: dict[str, Any]) -> int | None:
    """How many numbers of a head are turned, where not all are."""
    share = raw.get("partial_rotary_factor")
    if share in (None, 1):
        return None
    width, heads = field(raw, "hidden_size", int), field(raw, "num_attention_heads", int)
    whole = raw.get("head_dim") or width // heads
    turned = int(whole * field(raw, "partial_rotary_factor", (int, float)))
    if turned % 2 or not turned:
        raise CheckpointError(
            f"config.json: partial_rotary_factor must leave an even number of a head, got {share}"
        )
    return turned


def _experts(raw: dict[str, Any]) -> Experts:
    layers = field(raw, "num_hidden_layers", int)
    kinds = raw.get("moe_layer_freq") or [1] * layers
    if not isinstance(kinds, list) or len(kinds) != layers:
        raise CheckpointError(
            f"config.json: moe_layer_freq must say 0 or 1 of {layers} layers, got {kinds!r}"
        )
    return Experts(
        number=field(raw, "num_experts", int),
        chosen=field(raw, "num_experts_per_tok", int),
        hidden=field(raw, "expert_intermediate_size", int),
        bias="weight" if raw.get("moe_router_enable_expert_bias") else None,
        normalised=False,
        shared=raw.get("shared_expert_intermediate_size") or 0,
        dense=tuple(layer for layer, kind in enumerate(kinds) if not kind),
    )


FAMILY = Family(
    "LLaDA-MoE",
    ("llada",),
    read_config,
    read_specials,
    key_table,
    turn_ends=("<|role_end|>",),
    # dInfer's settings.
    recommended={
        "scheduler": "threshold",
        "options": {"threshold": 0.8},
        "block_length": 64,
        "gen_length": 256,
        "temperature": 0.0,
    },
    template=ROLES,
)
