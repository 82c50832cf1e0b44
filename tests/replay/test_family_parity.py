"""Recorded logits and decodes of every family's published code, from checkpoints in its layout."""

import json
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import dllm
from dllm.models.network import Network
from tests.replay.published import Draws, dream
from tests.shared import needs_parity, parity_arrays, parity_folder

CLOSE, TIED = 2e-5, 1e-4
FOLDERS = {
    "llada_gqa": CLOSE,
    "illada": TIED,
    "dream": CLOSE,
    "llada_moe": CLOSE,
    "llada_moe_shared": CLOSE,
    "llada2": CLOSE,
    "sdar": CLOSE,
    "sdar_moe": CLOSE,
    "fast_dllm_v2": CLOSE,
    "fast_dllm_v2_tied": TIED,
    "wedlm_qwen2": CLOSE,
    "wedlm_qwen3": CLOSE,
}
QUICK = ("parity-sdar-dynamic_b8_thr0.045",)
"""Decodes of the default run."""


def _cases(kind: str, *folders: str) -> list[Any]:
    return [
        _case(kind, folder, case)
        for folder in folders or FOLDERS
        for case in sorted({key.split("/")[0] for key in parity_arrays(folder, kind)})
        if case != "cached_block"
    ]


def _case(kind: str, folder: str, case: str) -> Any:
    name = f"parity-{folder}-{case}"
    slow = kind == "decode_traces" and name not in QUICK
    return pytest.param(folder, case, id=name, marks=pytest.mark.slow if slow else ())


def _block(arrays: dict[str, np.ndarray], case: str) -> int | None:
    """The recorded length of attention's blocks."""
    length = arrays.get(f"{case}/block_length")
    return None if length is None else int(length)


@jax.jit
def _logits(
    network: Network, ids: jax.Array, visible: jax.Array | None, positions: jax.Array | None
) -> jax.Array:
    lengths = jnp.full(ids.shape[:1], ids.shape[1], jnp.int32)
    return network.head(network.states(ids, lengths, visible, positions))


@needs_parity
@pytest.mark.parametrize(("folder", "case"), _cases("inputs_outputs"))
def test_logits_of_published_code(folder: str, case: str) -> None:
    arrays = parity_arrays(folder, "inputs_outputs")
    model = dllm.load(parity_folder(folder), causal_block=_block(arrays, case))
    given = arrays.get(f"{case}/attention_mask"), arrays.get(f"{case}/position_ids")
    visible = None if given[0] is None else jnp.asarray(given[0] == 1)
    positions = None if given[1] is None else jnp.asarray(given[1])
    ids = jnp.asarray(arrays[f"{case}/input_ids"])
    logits = np.asarray(_logits(model.network, ids, visible, positions))
    expected = arrays[f"{case}/logits"]
    if folder == "dream" and given[0] is not None:  # its padding is not computed
        logits, expected = logits[given[0] == 1], expected[given[0] == 1]
    np.testing.assert_allclose(logits, expected, rtol=0, atol=FOLDERS[folder])


@needs_parity
@pytest.mark.parametrize("case", ["full", "long_allmask_tail"])
def test_shifted_logits_of_published_code(case: str) -> None:
    """A model that predicts the next token answers for the position it is asked of."""
    network = dllm.load(parity_folder("dream")).network
    arrays = parity_arrays("dream", "inputs_outputs")
    ids = jnp.asarray(arrays[f"{case}/input_ids"])
    found = network.logits(ids, jnp.zeros(ids.shape[0], jnp.int32), ids.shape[1])
    np.testing.assert_allclose(found, arrays[f"{case}/logits_shifted"], rtol=0, atol=CLOSE)


@needs_parity
@pytest.mark.parametrize(("folder", "case"), _cases("inputs_outputs", "fast_dllm_v2"))
def test_logits_shifted_within_blocks(folder: str, case: str) -> None:
    """As recorded but for the first of a block: that is what the block before it predicts."""
    arrays = parity_arrays(folder, "inputs_outputs")
    block = _block(arrays, case)
    assert block is not None
    network = dllm.load(parity_folder(folder), causal_block=block).network
    ids = jnp.asarray(arrays[f"{case}/input_ids"])
    found = network.logits(ids, jnp.zeros(ids.shape[0], jnp.int32), ids.shape[1])
    expected = arrays[f"{case}/logits_shifted_in_block"].copy()
    starts = np.arange(block, ids.shape[1], block)
    expected[:, starts] = arrays[f"{case}/logits"][:, starts - 1]
    np.testing.assert_allclose(found, expected, rtol=0, atol=CLOSE)


@needs_parity
def test_a_block_over_stored_ones() -> None:
    arrays = parity_arrays("sdar", "inputs_outputs")
    network = dllm.load(parity_folder("sdar")).network
    ids = [arrays[f"cached_block/{part}_ids"] for part in ("prefix", "block")]
    canvas, zero = jnp.asarray(np.concatenate(ids, axis=1)), jnp.zeros(1, jnp.int32)
    _, memory = network.remember(canvas.at[:, 16:].set(7), zero, 1)
    span = dllm.Span(zero + 16, zero + 20, zero + 20)
    found = network.head(network.recall(memory, canvas, span, 4))
    np.testing.assert_allclose(found, arrays["cached_block/logits"], rtol=0, atol=CLOSE)


@needs_parity
@pytest.mark.parametrize(("folder", "case"), _cases("inputs_outputs", "wedlm_qwen2", "wedlm_qwen3"))
def test_reordering(folder: str, case: str) -> None:
    """The canvas in its own order has the logits of the reordered one."""
    network = dllm.load(parity_folder(folder)).network
    arrays = parity_arrays(folder, "inputs_outputs")
    ids = arrays[f"{case}/original_ids"][None]
    canvas = jnp.asarray(np.where(ids == network.mask, dllm.MASK, ids))
    found = network.logits(canvas, jnp.zeros(1, jnp.int32), ids.shape[1])[0]
    order = arrays[f"{case}/position_ids"][0]
    np.testing.assert_allclose(found[order], arrays[f"{case}/logits"][0], rtol=0, atol=CLOSE)


@needs_parity
@pytest.mark.parametrize(("folder", "case"), _cases("decode_traces", "dream"))
def test_decodes_of_dream(folder: str, case: str) -> None:
    model = dllm.load(parity_folder(folder))
    arrays = parity_arrays(folder, "decode_traces")
    arguments = json.loads(str(arrays[f"{case}/args"])) | {"impl": "dream"}
    rows = dllm.rows(arrays[f"{case}/prompt"], arguments.pop("gen_length"))
    scheduler, proposal = dream(arguments, Draws({}, 0))
    assert not arguments, "arguments that nothing here reads"
    ended = dllm.decode(model.network, rows, scheduler, proposal, reference_calls=True, record=16)
    frames = np.concatenate([np.asarray(rows.canvas)[None], arrays[f"{case}/history"]])
    _assert_frames(ended, frames, model.specials.mask)


@needs_parity
@pytest.mark.parametrize(("folder", "case"), _cases("decode_traces", "sdar"))
def test_decodes_of_sdar(folder: str, case: str) -> None:
    """Every call: where it starts, whether it is kept, and the ids it looks at."""
    arrays = parity_arrays(folder, "decode_traces")
    recorded = {key.split("/")[1]: value for key, value in arrays.items() if f"{case}/" in key}
    arguments = json.loads(str(recorded["args"]))
    block = arguments["block_length"]
    model = dllm.load(parity_folder(folder), causal_block=block)
    rows = dllm.rows(recorded["prompt"], arguments["gen_length"], block, anchored=True)
    ended = jax.device_get(
        dllm.decode(
            model.network,
            rows,
            _sdar(arguments),
            cache="block_causal",
            reference_calls=True,
            record=32,
        )
    )
    assert ended.canvas.tolist() == recorded["out"].tolist()
    assert ended.forwards.tolist() == [int(recorded["n_forward"])]
    frames = [*ended.trajectory[0, : ended.steps[0]], ended.canvas[0]]
    for call, expected in enumerate(recorded["x_calls"]):
        _, start, length, stored, _, looked = ended.log[0, call].tolist()
        seen = frames[looked][start : start + length]
        ids = np.where(seen == dllm.MASK, model.specials.mask, seen)
        assert ids.tolist() == expected[expected >= 0].tolist(), call
        assert start == recorded["call_start_pos"][call]
        assert bool(stored) == recorded["call_store_kv"][call]


def _sdar(arguments: dict[str, Any]) -> dllm.Scheduler:
    """A step of a static strategy writes an equal share of a block."""
    strategy = arguments["remasking_strategy"]
    if strategy == "low_confidence_dynamic":
        return dllm.rule("threshold", threshold=arguments["confidence_threshold"])
    tokens = arguments["block_length"] // arguments["denoising_steps"]
    named = {"low_confidence_static": "confidence", "sequential": "left_to_right"}
    return dllm.rule(named[strategy], tokens=tokens)


@needs_parity
@pytest.mark.parametrize(("folder", "case"), _cases("decode_traces", "llada2"))
def test_decodes_of_llada2(folder: str, case: str) -> None:
    """Every call looks at the canvas up to its block's end."""
    arrays = parity_arrays(folder, "decode_traces")
    recorded = {key.split("/")[1]: value for key, value in arrays.items() if f"{case}/" in key}
    arguments = json.loads(str(recorded["args"]))
    block, length = arguments["block_length"], arguments["gen_length"]
    model = dllm.load(parity_folder(folder), causal_block=block)
    rows = dllm.rows(recorded["prompt"], length, block, anchored=True)
    ended = jax.device_get(dllm.decode(model.network, rows, _llada2(arguments), record=32))
    prompt = recorded["prompt"].shape[1]
    assert ended.canvas[:, prompt : prompt + length].tolist() == recorded["out"].tolist()
    assert ended.forwards.tolist() == [int(recorded["n_forward"])]
    for call, expected in enumerate(recorded["x_calls"]):
        seen = ended.trajectory[0, call]
        ids = np.where(seen == dllm.MASK, model.specials.mask, seen)
        there = expected >= 0
        assert ids[there].tolist() == expected[there].tolist(), call


def _llada2(arguments: dict[str, Any]) -> dllm.Scheduler:
    """2.1 edits; a step of 2.0 writes an equal share of a block or all that is sure enough."""
    threshold = arguments["threshold"]
    if "editing_threshold" in arguments:
        names = ("threshold", "editing_threshold", "max_post_steps")
        return dllm.rule("editing", **{name: arguments[name] for name in names})
    tokens = -(-arguments["block_length"] // arguments["steps"])
    if tokens > 1:  # recorded at a threshold that nothing reaches
        return dllm.rule("confidence", tokens=tokens)
    return dllm.rule("threshold", threshold=threshold)


def _assert_frames(ended: dllm.Decoded, frames: np.ndarray, mask: int) -> None:
    """The canvas before every step, and at last."""
    expected = np.where(frames == mask, dllm.MASK, frames)
    steps = len(frames) - 1
    assert ended.forwards.tolist() == [steps] * frames.shape[1]
    for step in range(steps):
        assert ended.trajectory[:, step].tolist() == expected[step].tolist(), step
    assert ended.canvas.tolist() == expected[-1].tolist()
