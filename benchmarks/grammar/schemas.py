"""How long it takes to make schemas ready for a vocabulary."""

import json
import time
from pathlib import Path
from typing import Any

import numpy as np

from grammar import GrammarError, Vocabulary, compile_grammar, json_schema


def compile_s(folder: Path, every: int, vocabulary: Vocabulary) -> dict[str, Any]:
    """Seconds of processor time over the schemas of a folder of MaskBench's files.

    Args:
        folder: Files of JSON objects with a `schema`.
        every: Takes one file in so many.
        vocabulary: What they are compiled for.

    Raises:
        ValueError: the folder has no such file, or another one.
    """
    taken, refused = [], 0
    for path in sorted(folder.glob("*.json"))[::every]:
        schema = _schema(path)
        begun = time.process_time()
        try:
            compile_grammar(json_schema(schema), vocabulary)
        except GrammarError:
            refused += 1
        taken.append(time.process_time() - begun)
    if not taken:
        raise ValueError(f"--schemas: must be a folder of JSON files, got {folder}")
    quantiles = np.quantile(taken, [0.5, 0.95, 1.0]).tolist()
    told = dict(zip(("p50_s", "p95_s", "max_s"), quantiles, strict=True))
    return {"schemas": len(taken), "refused": refused, **told}


def _schema(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8"))["schema"]
    except (ValueError, KeyError, TypeError):
        raise ValueError(f"--schemas: {path} must be a JSON object with a schema") from None
