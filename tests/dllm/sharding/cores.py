"""Rows cut over the host's cores, over every cache; prints what came of it beside one device's.

A process of its own, because the number of devices is fixed when jax starts.
"""

import json
import sys
from typing import Any

import jax

import dllm
from dllm.sharding.cores import mesh_of_cores

PROMPTS = ["a", "bc", "def", "ghij", "k"]
"""More than the batch holds, so that slots are filled again."""
BATCH, BLOCK = 4, 4
CACHES = {
    "none": dllm.Cache(),
    "prefix": dllm.Cache("prefix"),
    "dual": dllm.Cache("dual"),
    "refreshed": dllm.Cache("dual", 2),
    "block_causal": dllm.Cache("block_causal"),
}


def answers(model: dllm.Model, cache: dllm.Cache) -> list[tuple[list[int], int]]:
    """Tokens and forwards of every row."""
    rule = dllm.rule("threshold", threshold=0.2)
    kept: dict[str, Any] = {"gen_length": 8, "block_length": BLOCK, "batch": BATCH, "cache": cache}
    made = dllm.generate(model, PROMPTS, scheduler=rule, **kept)
    return [(answer.tokens, answer.forwards) for answer in made]


def main(folder: str) -> None:
    """Prints the devices of the mesh, and by cache what was answered on it and on one."""
    jax.config.update("jax_disable_most_optimizations", True)
    mesh = mesh_of_cores(BATCH)
    report: dict[str, Any] = {"devices": None if mesh is None else mesh.size}
    for name, cache in CACHES.items():
        block = BLOCK if cache.kind == "block_causal" else None
        models = [dllm.load(folder, place=place, causal_block=block) for place in (mesh, None)]
        report[name] = [answers(model, cache) for model in models]
    print(json.dumps(report))


if __name__ == "__main__":
    main(*sys.argv[1:])
