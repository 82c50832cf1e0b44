"""The same logits by `transformers`, for the architectures that it has (extra `parity`)."""

import json
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file

from dllm.models.families import family_of
from tests.parity.make import attention

CLASSES = {
    "ILLaDAForCausalLM": "Llama",
    "DreamModel": "Qwen2",
    "Fast_dLLM_QwenForCausalLM": "Qwen2",
    "SDARForCausalLM": "Qwen3",
    "SDARMoeForCausalLM": "Qwen3Moe",
}


def difference(folder: Path) -> float | None:
    """The largest difference from the recorded logits; `None` where nothing can be compared."""
    raw = json.loads((folder / "config.json").read_text("utf-8"))
    named = CLASSES.get(raw["architectures"][0])
    if named is None or find_spec("transformers") is None or find_spec("torch") is None:
        return None
    with np.load(folder / "inputs_outputs.npz") as arrays:
        ids, expected = arrays["numpy/input_ids"], arrays["numpy/logits"]
    config = family_of(raw).read_config(raw)
    sees = np.stack([attention(config, np.zeros(len(row), bool)) for row in ids])
    found = _logits(named, raw, load_file(folder / "model.safetensors"), ids, sees)
    return float(np.abs(found - expected).max())


def _logits(
    named: str, raw: dict[str, Any], tensors: dict[str, np.ndarray], ids: np.ndarray, sees: Any
) -> np.ndarray:
    torch, transformers = import_module("torch"), import_module("transformers")
    left_out = ("architectures", "model_type", "rope_scaling")
    shape = {key: value for key, value in raw.items() if key not in left_out}
    config = getattr(transformers, f"{named}Config")(**shape, attn_implementation="eager")
    model = getattr(transformers, f"{named}ForCausalLM")(config).eval()
    state = {name: torch.from_numpy(tensor) for name, tensor in tensors.items()}
    missing, unexpected = model.load_state_dict(state, strict=False)
    assert not unexpected, unexpected
    assert set(missing) <= {"lm_head.weight"}, missing
    mask = torch.where(torch.from_numpy(sees)[:, None], 0.0, torch.finfo(torch.float32).min)
    with torch.inference_mode():
        return model(torch.from_numpy(ids).long(), attention_mask=mask).logits.numpy()
