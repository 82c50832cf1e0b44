"""One of several processes that decode as one; the first prints what came of it as JSON.

Arguments: a folder, the port of the first process, how many there are, which this is, the mesh, and
`quick` or `all`.
"""

import json
import sys
from typing import Any

import jax

import dllm
from dllm import hosts

PROMPTS = ["a", "bc", "def"]
WAYS: dict[str, dict[str, dict[str, Any]]] = {
    "quick": {"plain": {}},
    "all": {
        "drawn": {"temperature": 1.0},
        "dual": {"cache": "dual"},
        "finished blocks": {"cache": "block_causal"},
    },
}
BLOCK = 4


def load(folder: str, choice: str, place: Any = None) -> dllm.Model:
    """The model; where a cache of finished blocks is tried, its attention goes in blocks."""
    return dllm.load(folder, place=place, causal_block=BLOCK if choice == "all" else None)


def answers(model: dllm.Model, way: dict[str, Any]) -> list[list[int]]:
    """Tokens of three rows in two slots, so that one is filled again."""
    made = dllm.generate(model, PROMPTS, gen_length=8, block_length=BLOCK, batch=2, **way)
    return [answer.tokens for answer in made]


def refusal(process: int) -> str:
    """What is said where processes have different versions."""
    try:
        hosts.agree({"dllm": "1.0", "jax": f"0.{process}"})
    except ValueError as error:
        return str(error)
    return ""


def main(
    folder: str, port: str, processes: int, process: int, data: int, model: int, choice: str
) -> None:
    """Prints answers by the way they are decoded, and a refusal."""
    jax.config.update("jax_disable_most_optimizations", True)
    hosts.join(f"127.0.0.1:{port}", processes, process)
    refused = refusal(process)
    hosts.agree(hosts.versions())
    loaded = load(folder, choice, dllm.make_mesh(data, model))
    made = {name: answers(loaded, way) for name, way in WAYS[choice].items()}
    assert not next(iter(jax.tree.leaves(loaded.network.state))).is_fully_addressable
    if hosts.is_first():
        print(json.dumps({"answers": made, "refused": refused}))


if __name__ == "__main__":
    processes, process, data, model = map(int, sys.argv[3:7])
    main(sys.argv[1], sys.argv[2], processes, process, data, model, sys.argv[7])
