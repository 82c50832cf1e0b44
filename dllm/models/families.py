"""The checkpoint families, by the `architectures` entry of their config.json."""

from typing import Any

from dllm.models import a2d, dream, fast_dllm_v2, illada, llada, llada2, llada_moe, sdar, wedlm
from dllm.models.config import CheckpointError
from dllm.models.family import Family

FAMILIES = {
    "LLaDAModelLM": llada.FAMILY,
    "ILLaDAForCausalLM": illada.FAMILY,
    "DreamModel": dream.FAMILY,
    "LLaDAMoEModelLM": llada_moe.FAMILY,
    "LLaDA2MoeModelLM": llada2.FAMILY,
    "SDARForCausalLM": sdar.FAMILY,
    "SDARMoeForCausalLM": sdar.FAMILY,
    "Fast_dLLM_QwenForCausalLM": fast_dllm_v2.FAMILY,
    "WeDLMForCausalLM": wedlm.FAMILY,
    "A2DQwen3LMHeadModel": a2d.FAMILY,
}


def family_of(raw: dict[str, Any]) -> Family:
    """The family of a config.json.

    `model_type` does not decide, because two families share one, but it must not contradict.

    Raises:
        CheckpointError: no architecture is known, `model_type` is another family's, or the weights
            are quantised.
    """
    if raw.get("quantization_config"):
        method = raw["quantization_config"].get("quant_method")
        raise CheckpointError(
            f"config.json: quantization_config must be absent, got quant_method {method!r}: take "
            "the checkpoint in bfloat16"
        )
    named = raw.get("architectures") or []
    kind = raw.get("model_type")
    for architecture in named:
        family = FAMILIES.get(architecture)
        if family is None:
            continue
        if kind is not None and kind not in family.model_types:
            raise CheckpointError(
                f"config.json: model_type of {architecture} must be "
                f"{' or '.join(family.model_types)}, got {kind!r}"
            )
        return family
    got = ", ".join(map(str, named)) or f"none (model_type {kind!r})"
    raise CheckpointError(
        f"config.json: architectures must be one of {', '.join(FAMILIES)}, got {got}"
    )
