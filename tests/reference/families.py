"""Forwards of all families in float64 NumPy, straight from a checkpoint's tensors.

Every position, head and expert is computed by itself, from the raw config.json.
"""

from typing import Any

import numpy as np

from tests.reference.transformer import Tensors, logits_where

Raw = dict[str, Any]


def logits(tensors: Tensors, raw: Raw, ids: np.ndarray, sees: np.ndarray) -> np.ndarray:
    """Logits `[positions, vocab]` of one row; `sees[i, j]` says that i attends to j.

    As the network gives them: a model that predicts the next token is not shifted.
    """
    if raw["architectures"] == ["LLaDAModelLM"]:
        return logits_where(tensors, raw, ids, np.arange(len(ids)), sees)
    own = {name: tensor.astype(np.float64) for name, tensor in tensors.items()}
    second = raw["architectures"] == ["LLaDA2MoeModelLM"]
    embedding = own["model.word_embeddings.weight" if second else "model.embed_tokens.weight"]
    x = embedding[ids]
    for layer in range(raw["num_hidden_layers"]):
        part = {
            name.removeprefix(prefix): tensor
            for name, tensor in own.items()
            if name.startswith(prefix := f"model.layers.{layer}.")
        }
        h = _norm(x, part["input_layernorm.weight"], raw)
        x = x + (_fused if second else _separate)(part, raw, h, sees)
        h = _norm(x, part["post_attention_layernorm.weight"], raw)
        x = x + np.stack([_feed_forward(part, raw, position) for position in h])
    head = embedding if raw.get("tie_word_embeddings") else own["lm_head.weight"]
    return _norm(x, own["model.norm.weight"], raw) @ head.T


def blocks(length: int, block: int | None) -> np.ndarray:
    """Block-causal attention: what each position (row) attends to."""
    own = np.arange(length) // (block or length)
    return own[None] <= own[:, None]


def reordered(undecided: np.ndarray) -> np.ndarray:
    """Causal attention over decided positions first and undecided ones last."""
    order = np.concatenate([np.flatnonzero(~undecided), np.flatnonzero(undecided)])
    place = np.argsort(order)
    return place[None] <= place[:, None]


def _norm(x: np.ndarray, weight: np.ndarray, raw: Raw) -> np.ndarray:
    return x / np.sqrt(np.mean(x**2, axis=-1, keepdims=True) + raw["rms_norm_eps"]) * weight


def _separate(part: Tensors, raw: Raw, x: np.ndarray, sees: np.ndarray) -> np.ndarray:
    made = [
        x @ part[f"self_attn.{name}.weight"].T + part.get(f"self_attn.{name}.bias", 0)
        for name in ("q_proj", "k_proj", "v_proj")
    ]
    norms: list[np.ndarray | None] = [
        part.get(f"self_attn.{name}.weight") for name in ("q_norm", "k_norm")
    ]
    return _attention(raw, made, norms, sees) @ part["self_attn.o_proj.weight"].T


def _fused(part: Tensors, raw: Raw, x: np.ndarray, sees: np.ndarray) -> np.ndarray:
    """Rows of one matrix: all query heads, then the keys', then the values'."""
    size = raw["head_dim"]
    ends = np.cumsum([raw["num_attention_heads"] * size, raw["num_key_value_heads"] * size])
    made = np.split(x @ part["attention.query_key_value.weight"].T, ends, axis=1)
    norms: list[np.ndarray | None] = [
        part[f"attention.{name}_layernorm.weight"] for name in ("query", "key")
    ]
    return _attention(raw, made, norms, sees) @ part["attention.dense.weight"].T


def _attention(
    raw: Raw,
    made: list[np.ndarray],
    norms: list[np.ndarray | None],
    sees: np.ndarray,
) -> np.ndarray:
    (query, key, value), (query_norm, key_norm) = made, norms
    heads = raw["num_attention_heads"]
    size = raw.get("head_dim") or raw["hidden_size"] // heads
    shared = heads // raw["num_key_value_heads"]
    mixed = []
    for head in range(heads):
        own = slice(head * size, (head + 1) * size)
        kept = slice(head // shared * size, (head // shared + 1) * size)
        q, k = query[:, own], key[:, kept]
        q = q if query_norm is None else _norm(q, query_norm, raw)
        k = k if key_norm is None else _norm(k, key_norm, raw)
        scores = _turned(q, raw) @ _turned(k, raw).T / np.sqrt(size)
        weights = np.where(sees, np.exp(scores - scores.max(axis=1, keepdims=True)), 0)
        mixed.append(weights / weights.sum(axis=1, keepdims=True) @ value[:, kept])
    return np.concatenate(mixed, axis=1)


def _turned(x: np.ndarray, raw: Raw) -> np.ndarray:
    """Pairs (i, i + half) of the first numbers of a head, as complex ones, times e^(i angle)."""
    half = int(x.shape[1] * (raw.get("partial_rotary_factor") or 1)) // 2
    angles = np.arange(len(x))[:, None] * raw["rope_theta"] ** (-np.arange(half) / half)
    pairs = (x[:, :half] + 1j * x[:, half : 2 * half]) * np.exp(1j * angles)
    return np.concatenate([pairs.real, pairs.imag, x[:, 2 * half :]], axis=1)


def _feed_forward(part: Tensors, raw: Raw, x: np.ndarray) -> np.ndarray:
    """One position through the MLP, or through its experts."""
    if "mlp.gate.weight" not in part:
        return _mlp(part, "mlp", x)
    made = sum(
        weight * _mlp(part, f"mlp.experts.{expert}", x) for expert, weight in _routes(part, raw, x)
    )
    for name in ("shared_expert", "mlp.shared_experts"):
        if f"{name}.gate_proj.weight" in part:
            made = made + _mlp(part, name, x)
    return np.asarray(made)


def _mlp(part: Tensors, name: str, x: np.ndarray) -> np.ndarray:
    gate, up = (part[f"{name}.{side}_proj.weight"] @ x for side in ("gate", "up"))
    return part[f"{name}.down_proj.weight"] @ (gate / (1 + np.exp(-gate)) * up)


def _routes(part: Tensors, raw: Raw, x: np.ndarray) -> list[tuple[int, float]]:
    """The experts of a position and their weights."""
    scores, each = part["mlp.gate.weight"] @ x, raw["num_experts_per_tok"]
    if raw["architectures"] == ["LLaDA2MoeModelLM"]:
        scores = 1 / (1 + np.exp(-scores))
        biased = scores + part.get("mlp.gate.expert_bias", 0)
        groups = np.split(np.arange(len(scores)), raw["n_group"])
        best = sorted(groups, key=lambda own: -np.sort(biased[own])[-2:].sum())
        among = np.concatenate(best[: raw["topk_group"]])
        chosen = sorted(among, key=lambda expert: -biased[expert])[:each]
        scale = raw["routed_scaling_factor"] / scores[chosen].sum()
        return [(int(expert), scores[expert] * scale) for expert in chosen]
    scores = np.exp(scores - scores.max())
    scores = scores / scores.sum() + part.get("mlp.expert_bias", 0)
    chosen = np.argsort(-scores)[:each]
    total = scores[chosen].sum() if raw.get("norm_topk_prob") else 1
    return [(int(expert), scores[expert] / total) for expert in chosen]
