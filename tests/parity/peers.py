"""The same logits by `transformers`, for the architectures that it has (extra `parity`)."""

import json
import shutil
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from dllm.models.families import family_of
from tests.parity.make import attention

CLASSES = {
    "ILLaDAForCausalLM": "Llama",
    "DreamModel": "Qwen2",
    "Fast_dLLM_QwenForCausalLM": "Qwen2",
    "SDARForCausalLM": "Qwen3",
    "SDARMoeForCausalLM": "Qwen3Moe",
    "WeDLMForCausalLM": "Qwen2",
    "A2DQwen3LMHeadModel": "Qwen3",
}


def difference(folder: Path) -> float | None:
    """The largest difference from the recorded logits; `None` where nothing can be compared."""
    raw = json.loads((folder / "config.json").read_text("utf-8"))
    named = CLASSES.get(raw["architectures"][0])
    if raw.get("qk_norm"):
        named = "Qwen3"
    if named is None or find_spec("transformers") is None or find_spec("torch") is None:
        return None
    with np.load(folder / "inputs_outputs.npz") as arrays:
        ids, expected = arrays["numpy/input_ids"], arrays["numpy/logits"]
    family = family_of(raw)
    config, mask = family.read_config(raw), family.read_specials(raw).mask
    sees = np.stack([attention(config, row == mask) for row in ids])
    found = _logits(named, raw, folder / "model.safetensors", ids, sees)
    return float(np.abs(found - expected).max())


def _logits(
    named: str, raw: dict[str, Any], weights: Path, ids: np.ndarray, sees: Any
) -> np.ndarray:
    """By a model that `transformers` loads itself: its versions lay out experts differently."""
    torch, transformers = import_module("torch"), import_module("transformers")
    transformers.utils.logging.disable_progress_bar()
    left_out = ("architectures", "model_type", "rope_scaling")
    shape = {key: value for key, value in raw.items() if key not in left_out}
    with TemporaryDirectory() as folder:
        getattr(transformers, f"{named}Config")(**shape).save_pretrained(folder)
        shutil.copy(weights, folder)
        model, told = getattr(transformers, f"{named}ForCausalLM").from_pretrained(
            folder, attn_implementation="eager", dtype=torch.float32, output_loading_info=True
        )
    assert not told["unexpected_keys"], told
    assert set(told["missing_keys"]) <= {"lm_head.weight"}, told
    mask = torch.where(torch.from_numpy(sees)[:, None], 0.0, torch.finfo(torch.float32).min)
    with torch.inference_mode():
        return model.eval()(torch.from_numpy(ids).long(), attention_mask=mask).logits.numpy()
