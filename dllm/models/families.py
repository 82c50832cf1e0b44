"""The checkpoint families, by the `architectures` entry of their config.json."""

from collections.abc import Callable
from typing import Any, NamedTuple

from dllm.models import llada
from dllm.models.config import CheckpointError, Config, Specials


class Family(NamedTuple):
    """What differs between families, as functions of config.json."""

    name: str
    read_config: Callable[[dict[str, Any]], Config]
    read_specials: Callable[[dict[str, Any]], Specials]
    key_table: Callable[[Config], dict[str, str]]
    turn_ends: tuple[str, ...]
    """Text of the tokens that may end a turn; the first that the tokenizer has is taken."""
    recommended: dict[str, Any]
    """Settings that the authors or the field use, as keyword arguments of `generate`."""


# Fast-dLLM's settings for LLaDA: arXiv 2505.22618.
_LLADA = {"scheduler": "threshold", "block_length": 32, "gen_length": 256, "temperature": 0.0}

FAMILIES = {
    llada.ARCHITECTURE: Family(
        "LLaDA", llada.read_config, llada.read_specials, llada.key_table, ("<|eot_id|>",), _LLADA
    ),
}


def family_of(raw: dict[str, Any]) -> Family:
    """The family of a config.json. `model_type` is not asked: two families share one."""
    named = raw.get("architectures") or []
    for architecture in named:
        if architecture in FAMILIES:
            return FAMILIES[architecture]
    got = ", ".join(map(str, named)) or f"none (model_type {raw.get('model_type')!r})"
    raise CheckpointError(
        f"config.json: architectures must be one of {', '.join(FAMILIES)}, got {got}"
    )
