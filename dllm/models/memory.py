"""How much memory a decode takes beside the weights, from shapes alone."""

import dataclasses

from dllm.forward import PIECE
from dllm.models.config import Config


def estimate(
    config: Config, itemsize: int, rows: int, length: int, window: int, *, flash: bool
) -> int:
    """Bytes of the largest moment of a forward of `rows` canvases; an estimate, no bound.

    The residual stream, its norm and the widest of attention (q, k, v, output) and the gated MLP
    (gate, up, their product); the float32 logits of the window, which are made in pieces; and
    without flash attention its float32 weights, which grow with the square of the length.
    """
    positions = rows * length
    attention = (2 * config.heads + 2 * config.kv_heads) * config.head_dim
    layer = positions * (2 * config.width + max(attention, 3 * config.widest)) * itemsize
    logits = 3 * min(4 * rows * window * config.vocab, PIECE)
    weights = 0 if flash else 2 * 4 * rows * config.heads * length * length
    return layer + weights + positions * config.width * itemsize + logits


def kept(config: Config, itemsize: int, rows: int, length: int) -> int:
    """Bytes of the keys and values that a cache keeps of `rows` canvases."""
    return 2 * config.layers * rows * length * config.kv_heads * config.head_dim * itemsize


def share(config: Config, parts: int) -> Config:
    """What one of `parts` devices computes of a model that is cut over them.

    What does not divide is on every device whole.
    """
    names = ("heads", "kv_heads", "hidden", "vocab")
    sizes = {name: getattr(config, name) for name in names}
    cut = {name: size // parts for name, size in sizes.items() if size % parts == 0}
    return dataclasses.replace(config, **cut)
