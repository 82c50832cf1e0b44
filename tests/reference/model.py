"""The tanh toy in NumPy."""

from typing import Any

import numpy as np

MASK_ID = 23


def tanh_logits(
    params: dict[str, Any], gain: float, bias: np.ndarray, canvas: np.ndarray
) -> np.ndarray:
    """Logits `[length, vocab]` of one canvas of ids (hidden positions hold MASK_ID)."""
    length = len(canvas)
    hidden = params["E"][canvas]
    for layer in "12":
        mixed = params["A" + layer][:length, :length] @ (hidden @ params["V" + layer])
        hidden = np.tanh(hidden @ params["W" + layer] + params["P" + layer][:length] + mixed)
    return gain * (hidden @ params["U"]) + bias[:length]


def shift_right(logits: np.ndarray) -> np.ndarray:
    """Dream's reading: the logits of position i stand in row i - 1."""
    return np.concatenate([logits[:1], logits[:-1]])
