"""Recorded logits and decodes of the published model code, from checkpoints in its own layout."""

import json
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import dllm
from dllm.models.network import Network
from tests.replay.published import Draws, fastdllm, llada
from tests.shared import needs_parity, parity_arrays, parity_folder

FOLDERS = {"llada": 2e-5}
CACHES = {
    "generate": "none",
    "generate_with_prefix_cache": "prefix",
    "generate_with_dual_cache": "dual",
}


def _cases(kind: str) -> list[Any]:
    return [
        pytest.param(folder, case, id=f"parity-{folder}-{case}")
        for folder in FOLDERS
        for case in sorted({key.split("/")[0] for key in parity_arrays(folder, kind)})
    ]


@jax.jit
def _logits(network: Network, ids: jax.Array, visible: jax.Array | None) -> jax.Array:
    lengths = jnp.full(ids.shape[:1], ids.shape[1], jnp.int32)
    return network.head(network.states(ids, lengths, visible))


@needs_parity
@pytest.mark.parametrize(("folder", "case"), _cases("inputs_outputs"))
def test_logits_of_published_code(folder: str, case: str) -> None:
    model = dllm.load(parity_folder(folder))
    arrays = parity_arrays(folder, "inputs_outputs")
    mask = arrays.get(f"{case}/attention_mask")
    visible = None if mask is None else jnp.asarray(mask == 1)
    logits = _logits(model.network, jnp.asarray(arrays[f"{case}/input_ids"]), visible)
    np.testing.assert_allclose(logits, arrays[f"{case}/logits"], rtol=0, atol=FOLDERS[folder])


@needs_parity
@pytest.mark.parametrize(("folder", "case"), _cases("decode_traces"))
def test_decodes_of_published_code(folder: str, case: str) -> None:
    assert_decodes_alike(folder, case)


def assert_decodes_alike(folder: str, case: str) -> None:
    """Canvases, forwards and what they saw are those of a recorded decode."""
    model = dllm.load(parity_folder(folder))
    arrays = parity_arrays(folder, "decode_traces")
    arguments = json.loads(str(arrays[f"{case}/args"]))
    fast = "fn" in arguments
    cache = CACHES[arguments.pop("fn", "generate")]
    prompt = arrays[f"{case}/prompt"]
    rows = dllm.rows(prompt, arguments.pop("gen_length"), arguments.pop("block_length"))
    if fast:
        drawn = Draws({}, 0)
        scheduler, proposal = fastdllm(
            {**arguments, "function": "generate"}, drawn, cached=cache != "none"
        )
    else:
        scheduler, proposal = llada(arguments, Draws({}, 0), eos=250, eot=251)
        assert not arguments, "arguments that nothing here reads"
    spare = not fast or cache != "none"
    ended = dllm.decode(
        model.network, rows, scheduler, proposal, cache=cache, reference_calls=spare, record=32
    )
    if f"{case}/x_steps" in arrays:
        _assert_frames(ended, arrays[f"{case}/x_steps"], model.specials.mask)
    else:
        assert ended.canvas.tolist() == arrays[f"{case}/out"].tolist()
        forwards = int(arrays[f"{case}/nfe"])
        assert ended.forwards.tolist() == [forwards]
        lengths = ended.log[0, :forwards, 2].tolist()
        assert lengths == arrays[f"{case}/call_lengths"].tolist()


def _assert_frames(ended: dllm.Decoded, frames: np.ndarray, mask: int) -> None:
    """The canvas before every step, and at last."""
    expected = np.where(frames == mask, dllm.MASK, frames)
    steps = len(frames) - 1
    assert ended.forwards.tolist() == [steps] * frames.shape[1]
    for step in range(steps):
        assert ended.trajectory[:, step].tolist() == expected[step].tolist(), step
    assert ended.canvas.tolist() == expected[-1].tolist()
