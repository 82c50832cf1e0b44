"""What a decode means to its caller: text, tokens, counts."""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from dllm.canvas import Layout
from dllm.decode import Decoded
from dllm.load import Model
from dllm.row import Outcome
from dllm.tokenizer import Tokenizer
from samplers import MASK, VOID


@dataclasses.dataclass(frozen=True)
class Generation:
    """The answer to one prompt."""

    text: str
    """Without special tokens, cut at the first end or stop string. Empty without a tokenizer."""
    tokens: list[int]
    """Up to the first token that ends an answer."""
    log_probs: list[float]
    """Of each token when it was written; NaN where the model had not proposed it."""
    prompt: list[int]
    """Token ids of the prompt."""
    outcome: str
    """`filled`, `ended` (by an end of text or a stop string), `out_of_steps` or `stuck`."""
    forwards: int
    """Model calls until the row ended (the field's NFE)."""
    evaluations: int
    """Forwards times drafts."""
    steps: int
    """True steps taken."""
    tokens_per_step: float
    """Positions written a forward, end-of-text filling included (ParallelBench's TPS)."""
    seed: int
    trajectory: np.ndarray | None = None
    """`[steps + 1, length]`: the canvas before each step and at last, if asked for."""

    def as_json(self) -> dict[str, Any]:
        """Plain values; unknown log-probabilities are `None`."""
        plain = dataclasses.asdict(self)
        plain["log_probs"] = [None if math.isnan(value) else value for value in self.log_probs]
        frames = self.trajectory
        plain["trajectory"] = None if frames is None else np.asarray(frames).tolist()
        return plain


@dataclasses.dataclass(frozen=True)
class Infilling(Generation):
    """A template with its holes filled; `text` is all of it."""

    holes: list[str] = dataclasses.field(default_factory=list)
    """What was written into each hole."""


def generation(
    model: Model, layout: Layout, decoded: Decoded, ends: Sequence[int], stop: Sequence[str]
) -> Generation:
    """The answer behind a prompt."""
    stop_at = len(layout.ids) if layout.stop is None else layout.stop
    answer = np.asarray(decoded.canvas)[layout.prompt : stop_at]
    over = np.isin(answer, [*ends, MASK, VOID])
    kept = int(np.argmax(over)) if over.any() else len(answer)
    tokens = answer[:kept].tolist()
    text, stopped = cut(text_of(model.tokenizer, tokens), stop)
    common = _common(layout, decoded)
    if stopped:
        common["outcome"] = Outcome.ENDED.name.lower()
    probs = np.asarray(decoded.log_probs)[layout.prompt :][:kept].tolist()
    return Generation(text=text, tokens=tokens, log_probs=probs, **common)


def generations(
    model: Model, layouts: Sequence[Layout], decoded: Decoded, ends: Sequence[int]
) -> list[Generation]:
    """The answers of a batch, a row a layout."""
    rows = (Decoded(*(leaf[row] for leaf in decoded)) for row in range(len(layouts)))
    return [
        generation(model, layout, row, ends, ()) for layout, row in zip(layouts, rows, strict=True)
    ]


def infilling(
    model: Model,
    pieces: Sequence[str | int],
    spans: Sequence[tuple[int, int]],
    layout: Layout,
    decoded: Decoded,
) -> Infilling:
    """A filled template: `pieces` are its texts and holes, `spans` say where the holes lie."""
    canvas, log_probs = np.asarray(decoded.canvas), np.asarray(decoded.log_probs)
    written = [canvas[start:end].tolist() for start, end in spans]
    holes = [text_of(model.tokenizer, tokens) for tokens in written]
    left = iter(holes)
    text = "".join(piece if isinstance(piece, str) else next(left) for piece in pieces)
    return Infilling(
        text=text,
        tokens=[token for tokens in written for token in tokens],
        log_probs=[float(value) for start, end in spans for value in log_probs[start:end]],
        holes=holes,
        **_common(layout, decoded),
    )


def text_of(tokenizer: Tokenizer | None, tokens: Sequence[int]) -> str:
    """Text of tokens; empty without a tokenizer."""
    return "" if tokenizer is None else tokenizer.decode(tokens)


def cut(text: str, stop: Sequence[str]) -> tuple[str, bool]:
    """A text up to the first of the stop strings, and whether there was one."""
    found = [at for at in (text.find(word) for word in stop) if at >= 0]
    return (text[: min(found)], True) if found else (text, False)


def _common(layout: Layout, decoded: Decoded) -> dict[str, Any]:
    forwards, steps = int(decoded.forwards), int(decoded.steps)
    canvas, before = np.asarray(decoded.canvas)[: len(layout.ids)], np.asarray(layout.ids)
    written = int(np.sum((before == MASK) & (canvas >= 0)))
    frames = np.asarray(decoded.trajectory)[:steps, : len(layout.ids)]
    return {
        "prompt": list(layout.ids[: layout.prompt]),
        "outcome": Outcome(int(decoded.outcome)).name.lower(),
        "forwards": forwards,
        "evaluations": int(decoded.evaluations),
        "steps": steps,
        "tokens_per_step": written / max(forwards, 1),
        "seed": layout.seed,
        "trajectory": np.concatenate([frames, canvas[None]]) if len(frames) else None,
    }
