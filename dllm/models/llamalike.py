"""Config keys and tensor names that Llama has, and Qwen2, Qwen3 and most families after them."""

from collections.abc import Mapping
from typing import Any

from dllm.models.config import CheckpointError, Config, Experts, Specials, field
from dllm.models.table import Entry, Table

Known = Mapping[str, tuple[Any, ...]]
"""Values that a key may have; the first is the usual one."""

_FIXED: Known = {
    "hidden_act": ("silu",),
    "mlp_bias": (False, None),
    "use_sliding_window": (False, None),
}

BIASED: Known = {"attention_bias": (True, None)}
UNBIASED: Known = {"attention_bias": (False, None)}

MLP = {"gate_proj": "gate", "up_proj": "up", "down_proj": "down"}
_PROJECTIONS = {"q_proj": "query", "k_proj": "key", "v_proj": "value", "o_proj": "output"}
_NORMS = {
    "input_layernorm.weight": "attention_norm.weight",
    "post_attention_layernorm.weight": "mlp_norm.weight",
}


def refuse_unknown(raw: dict[str, Any], known: Known) -> None:
    """Raises if a key that is there has another value than those known."""
    for key, values in known.items():
        if key in raw and raw[key] not in values:
            raise CheckpointError(f"config.json: {key} must be {values[0]!r}, got {raw[key]!r}")


def read_config(
    raw: dict[str, Any],
    known: Known,
    *,
    qkv_bias: bool = False,
    qk_norm: bool = False,
    causal_block: int | None = None,
    reordered: bool = False,
    shifted: bool = False,
    rotary_dim: int | None = None,
    hidden: int | None = None,
    experts: Experts | None = None,
) -> Config:
    """The transformer that a config.json describes; the switches are the family's.

    Raises:
        CheckpointError: a key is missing, or says something that the transformer cannot do.
    """
    refuse_unknown(raw, {**_FIXED, **known})
    layers = field(raw, "num_hidden_layers", int)
    if any(kind != "full_attention" for kind in raw.get("layer_types") or ()):
        raise CheckpointError(
            "config.json: layer_types must be full_attention in every layer, got "
            f"{raw['layer_types']}"
        )
    width, heads = field(raw, "hidden_size", int), field(raw, "num_attention_heads", int)
    kv_heads = raw.get("num_key_value_heads") or heads
    head_dim = raw.get("head_dim") or width // heads
    if (raw.get("head_dim") is None and width % heads) or heads % kv_heads:
        raise CheckpointError(
            "config.json: num_attention_heads must divide hidden_size and num_key_value_heads "
            f"divide num_attention_heads, got hidden_size {width}, num_attention_heads {heads}, "
            f"num_key_value_heads {kv_heads}"
        )
    return Config(
        layers=layers,
        width=width,
        heads=heads,
        kv_heads=kv_heads,
        head_dim=head_dim,
        hidden=field(raw, "intermediate_size", int) if hidden is None else hidden,
        vocab=field(raw, "vocab_size", int),
        max_length=field(raw, "max_position_embeddings", int),
        rope_theta=_theta(raw),
        norm_eps=float(field(raw, "rms_norm_eps", (int, float))),
        tied=bool(raw.get("tie_word_embeddings", False)),
        causal_block=causal_block,
        reordered=reordered,
        shifted=shifted,
        qkv_bias=qkv_bias,
        qk_norm=qk_norm,
        rotary_dim=rotary_dim,
        experts=experts,
    )


def read_specials(raw: dict[str, Any], public: int, known: Specials) -> Specials:
    """Special ids as the config has them, else those known of the public vocabulary.

    `public` is how many ids that has. A smaller one whose config names no mask has it as its last
    row.
    """
    vocab = field(raw, "vocab_size", int)
    stated = {name: raw.get(f"{name}_token_id") for name in Specials._fields}
    ids = {name: i[0] if isinstance(i, list) else i for name, i in stated.items()}
    fallback = known if vocab >= public else Specials(vocab - 1)
    return Specials(
        **{name: fallback._asdict()[name] if i is None else i for name, i in ids.items()}
    )


def key_table(config: Config) -> Table:
    """Every tensor of a checkpoint under Llama's names."""
    table: Table = {
        "model.embed_tokens.weight": Entry(("embedding",)),
        "model.norm.weight": Entry(("norm.weight",)),
        **head(config),
    }
    for layer in range(config.layers):
        root, own = f"model.layers.{layer}.", f"layers.{layer}."
        names = {**_NORMS, **_attention(config)}
        if layer in config.mlp_layers:
            names |= mlp("mlp.", "mlp.")
        elif config.experts is not None:
            table |= experts(config.experts, f"{root}mlp.experts.", f"{own}mlp.")
            names["mlp.gate.weight"] = "mlp.router.weight"
        table |= {root + name: Entry((own + path,)) for name, path in names.items()}
    return table


def head(config: Config) -> Table:
    """The head; where it is the embedding, some checkpoints store it again."""
    path = "embedding" if config.tied else "output.weight"
    return {"lm_head.weight": Entry((path,), copy=config.tied)}


def mlp(prefix: str, own: str) -> dict[str, str]:
    """Names of an MLP's tensors, with the paths of their parameters."""
    return {f"{prefix}{name}.weight": f"{own}{path}.weight" for name, path in MLP.items()}


def experts(config: Experts, prefix: str, own: str) -> Table:
    """One tensor an expert and matrix."""
    return {
        f"{prefix}{number}.{name}.weight": Entry((own + path,), number)
        for number in range(config.number)
        for name, path in MLP.items()
    }


def _attention(config: Config) -> dict[str, str]:
    names = {
        f"self_attn.{name}.weight": f"attention.{path}.weight"
        for name, path in _PROJECTIONS.items()
    }
    if config.qkv_bias:
        names |= {
            f"self_attn.{name}.bias": f"attention.{path}.bias"
            for name, path in _PROJECTIONS.items()
            if name != "o_proj"
        }
    if config.qk_norm:
        for name, path in (("q_norm", "query_norm"), ("k_norm", "key_norm")):
            names[f"self_attn.{name}.weight"] = f"attention.{path}.weight"
    return names


def _theta(raw: dict[str, Any]) -> float:
    """The base of rotary frequencies, which later versions of `transformers` keep in a table."""
    table = raw.get("rope_parameters") or raw.get("rope_scaling") or {}
    kind = table.get("rope_type") or table.get("type") or "default"
    if kind != "default":
        raise CheckpointError(f"config.json: the rope type must be 'default', got {kind!r}")
    stated = raw if raw.get("rope_theta") is not None else {**raw, **table}
    return float(field(stated, "rope_theta", (int, float)))
