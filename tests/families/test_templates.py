"""What the families' own templates make of a conversation, and their public ids."""

import pytest

from dllm.chat import ChatTemplate
from dllm.models.families import FAMILIES
from dllm.models.random import preset

ASKED = [{"role": "user", "content": "hi "}]
CHATML = "<|im_start|>user\nhi <|im_end|>\n<|im_start|>assistant\n"
SYSTEM = "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n"
ROLES = "<role>SYSTEM</role>detailed thinking off<|role_end|><role>HUMAN</role>hi <|role_end|>"
LLADA = "<s><|start_header_id|>user<|end_header_id|>\n\nhi<|eot_id|>"


@pytest.mark.parametrize(
    ("architecture", "expected"),
    [
        ("LLaDAModelLM", f"{LLADA}<|start_header_id|>assistant<|end_header_id|>\n\n"),
        ("DreamModel", SYSTEM + CHATML),
        ("SDARForCausalLM", CHATML),
        ("LLaDA2MoeModelLM", f"{ROLES}<role>ASSISTANT</role>"),
    ],
)
def test_templates(architecture: str, expected: str) -> None:
    source = FAMILIES[architecture].template
    assert source is not None
    assert ChatTemplate(source, {"bos_token": "<s>"}).render(ASKED) == expected


@pytest.mark.parametrize(
    ("name", "mask", "eos"),
    [
        ("illada-8b", 5, 2),
        ("dream-7b", 151666, 151643),
        ("llada-moe-7b", 156895, 156892),
        ("llada2-mini", 156895, 156892),
        ("sdar-8b", 151669, 151643),
        ("fast-dllm-v2-7b", 151665, 151645),
        ("wedlm-8b", 151666, 151643),
    ],
)
def test_public_ids(name: str, mask: int, eos: int) -> None:
    raw = preset(name)
    specials = FAMILIES[raw["architectures"][0]].read_specials(raw)
    assert (specials.mask, specials.eos) == (mask, eos)
