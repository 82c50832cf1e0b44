"""LLaDA in PyTorch with a sampler in the style of the published ones.

Every step asks for the logits of the whole sequence, takes a softmax over all of them in float64
and loops over blocks, steps and rows in Python. The forward is a fair one: fused attention, rotary
tables made once, no gradients.
"""

from collections.abc import Generator, Mapping

import numpy as np
import torch  # pyright: ignore[reportMissingImports]
import torch.nn.functional as F  # noqa: N812  # pyright: ignore[reportMissingImports]
from jaxtyping import Float, Int
from torch import Tensor  # pyright: ignore[reportMissingImports]

from dllm.models.config import Config


class LLaDA:
    """The forward: a bidirectional transformer in float32, from parameters by their path."""

    def __init__(self, config: Config, parameters: Mapping[str, np.ndarray]) -> None:
        self.config = config
        self._held = {path: torch.tensor(array) for path, array in parameters.items()}
        self._tables: dict[int, tuple[Tensor, Tensor]] = {}

    @torch.inference_mode()
    def __call__(self, ids: Int[Tensor, "rows length"]) -> Float[Tensor, "rows length vocab"]:
        """Logits of every position."""
        x = F.embedding(ids, self._held["embedding"])
        for number in range(self.config.layers):
            layer = f"layers.{number}"
            x = x + self._attention(f"{layer}.attention", self._norm(f"{layer}.attention_norm", x))
            x = x + self._mlp(f"{layer}.mlp", self._norm(f"{layer}.mlp_norm", x))
        head = self._held["embedding" if self.config.tied else "output.weight"]
        return F.linear(self._norm("norm", x), head)

    def _norm(self, path: str, x: Tensor) -> Tensor:
        return F.rms_norm(x, (x.shape[-1],), self._held[f"{path}.weight"], self.config.norm_eps)

    def _linear(self, path: str, x: Tensor) -> Tensor:
        return F.linear(x, self._held[f"{path}.weight"])

    def _attention(self, path: str, x: Tensor) -> Tensor:
        query, key, value = (self._heads(f"{path}.{part}", x) for part in ("query", "key", "value"))
        tables = self._rotary(x.shape[1])
        query, key = _rotate(query, tables), _rotate(key, tables)
        shared = self.config.heads // self.config.kv_heads
        if shared > 1:
            key, value = (part.repeat_interleave(shared, dim=1) for part in (key, value))
        mixed = F.scaled_dot_product_attention(query, key, value)
        return self._linear(f"{path}.output", mixed.transpose(1, 2).flatten(2))

    def _heads(self, path: str, x: Tensor) -> Tensor:
        return self._linear(path, x).unflatten(-1, (-1, self.config.head_dim)).transpose(1, 2)

    def _mlp(self, path: str, x: Tensor) -> Tensor:
        gated = F.silu(self._linear(f"{path}.gate", x)) * self._linear(f"{path}.up", x)
        return self._linear(f"{path}.down", gated)

    def _rotary(self, length: int) -> tuple[Tensor, Tensor]:
        if length not in self._tables:
            dim = self.config.head_dim
            inverse = self.config.rope_theta ** -(torch.arange(0, dim, 2).float() / dim)
            angles = torch.outer(torch.arange(length).float(), inverse).repeat(1, 2)
            self._tables[length] = angles.cos(), angles.sin()
        return self._tables[length]


@torch.inference_mode()
def sample(
    model: LLaDA,
    canvas: Int[Tensor, "rows length"],
    *,
    mask: int,
    blocks: list[tuple[int, int]],
    steps: int,
) -> Generator[Int[Tensor, "rows length"], None, None]:
    """The canvas after each step; `steps` are spent on every block, temperature is 0.

    `mask` marks undecided positions and is never written. The surest positions of a block go
    first, as many a step as the even schedule says.
    """
    canvas = canvas.clone()
    for start, end in blocks:
        counts = even_schedule((canvas[:, start:end] == mask).sum(dim=1), steps)
        for step in range(steps):
            logits = model(canvas)
            logits[..., mask] = -torch.inf
            proposed = logits.argmax(dim=-1)
            probabilities = F.softmax(logits.to(torch.float64), dim=-1)
            confidence = probabilities.gather(-1, proposed[..., None])[..., 0]
            undecided = canvas == mask
            confidence[~undecided] = -torch.inf
            confidence[:, end:] = -torch.inf
            chosen = torch.zeros_like(undecided)
            for row, count in enumerate(counts[:, step].tolist()):
                chosen[row, torch.topk(confidence[row], count).indices] = True
            canvas = torch.where(chosen & undecided, proposed, canvas)
            yield canvas


def even_schedule(holes: Int[Tensor, " rows"], steps: int) -> Int[Tensor, "rows steps"]:
    """How many positions each step writes: equal shares, the first steps one more."""
    share, left = holes // steps, holes % steps
    return share[:, None] + (torch.arange(steps)[None] < left[:, None])


def _rotate(x: Tensor, tables: tuple[Tensor, Tensor]) -> Tensor:
    """Rotary positions, halves against halves."""
    cos, sin = tables
    first, second = x.chunk(2, dim=-1)
    return x * cos + torch.cat([-second, first], dim=-1) * sin
