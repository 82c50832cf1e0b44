"""Recorded runs of FreeDave and of the samplers it speeds up: as rows, a rule and options."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import dllm
from samplers import VOID
from tests.replay.published import toy_of
from tests.toys import EOS, Tanh, masked

Case = dict[str, Any]

LENGTH, BLOCKS, STEPS = 40, 8, 96
"""Every replay is padded to these, so that few programs serve them all."""


def assert_replays(case: Case) -> None:
    """Decodes a case and compares every canvas looked at, the calls and the result."""
    ended = jax.device_get(decode(case))
    rows, length = len(case["prompt"]), len(case["final"][0])
    assert ended.forwards.tolist() == [case["nfe"]] * rows
    log = ended.log[:, : case["nfe"]]
    assert _calls(case, log) == [[_call(case, call) for call in case["calls"]]] * rows
    for row in range(rows):
        frames = [*ended.trajectory[row, : ended.steps[row]], ended.canvas[row]]
        for number, state in enumerate(case["states"]):
            looked = log[row, number, 5] - made_from_last(case, number)
            expected = np.reshape(state, (rows, -1))[row]
            assert frames[looked][:length].tolist() == masked(expected).tolist(), number
    assert ended.canvas[:, :length].tolist() == masked(case["final"]).tolist()
    assert np.all(ended.canvas[:, length:] == VOID)


def decode(case: Case, **changed: Any) -> dllm.Decoded:
    """A case in the project's own loop."""
    arguments = case["args"]
    drafts = is_freedave(case)
    options: dict[str, Any] = {
        "cache": cache_of(case),
        "num_drafts": arguments.get("draft_steps", 1),
        "accept": "exact" if is_causal(case) or not drafts else "subset",
        "drafter": _drafter(case) if drafts else "own",
        "eager": arguments.get("eager_acceptance_mode", False),
        "reference_calls": True,
        "record": STEPS,
    }
    return dllm.decode(toy(case), rows(case), rule(case), **{**options, **changed})


def rows(case: Case) -> dllm.Rows:
    """The prompts and their blocks."""
    arguments = case["args"]
    shape = (arguments["max_gen_length"], arguments["block_length"])
    made = dllm.rows(case["prompt"], *shape, anchored=is_causal(case), length=LENGTH)
    spare = [(0, 0), (0, BLOCKS - made.blocks.shape[1]), (0, 0)]
    return made._replace(blocks=jnp.pad(made.blocks, spare, constant_values=LENGTH))


def rule(case: Case) -> dllm.Scheduler:
    """The static rule, or the threshold's."""
    arguments = case["args"]
    threshold = arguments.get("confidence_threshold")
    options: dict[str, Any] = {} if threshold is None else {"threshold": threshold}
    names = ["confidence" if threshold is None else "threshold"]
    if is_dream(case):
        names = ["first_alone", *names]
    if arguments.get("early_exit"):
        names.append("early_exit")
        options |= {"eos": EOS, "pad": EOS}
    return dllm.rule("+".join(names), **options)


def toy(case: Case) -> Tanh:
    """The model."""
    block = case["args"]["block_length"] if is_causal(case) else None
    return toy_of(case, shifted=is_dream(case), causal_block=block)


def made_from_last(case: Case, number: int) -> bool:
    """Whether this call's drafts were made from the canvas of the step before.

    A draft call is recorded with the canvas that its drafts came from. The row is a step ahead of
    that; but for Dream's first drafts of a block, the first of which is that canvas.
    """
    before, call = case["calls"][max(number - 1, 0)], case["calls"][number]
    if not is_freedave(case) or call["kind"] == "full" or call["store"]:
        return False
    if is_causal(case):
        return number > 0 and not before["store"]
    return before["kind"] != "full" or not is_dream(case)


def is_freedave(case: Case) -> bool:
    return case["args"]["function"].endswith("FreeDave")


def is_causal(case: Case) -> bool:
    return "block_attention" in case["args"]["function"]


def is_dream(case: Case) -> bool:
    return case["toy"]["interface"] == "DreamModel"


def cache_of(case: Case) -> str:
    if is_causal(case):
        return "block_causal"
    return "dual" if case["args"]["dual_cache"] else "prefix"


def _drafter(case: Case) -> str:
    return "published_dream" if is_dream(case) else "published"


def _calls(case: Case, log: np.ndarray) -> list[list[list[int]]]:
    """Calls as recorded: with tree attention, drafts were one long row."""
    calls = log[..., :5].copy()
    if case["args"].get("draft_mode") == "tree_attention":
        calls[..., 2] *= calls[..., 4]
        calls[..., 4] = 1
    return calls.tolist()


def _call(case: Case, call: dict[str, Any]) -> list[int]:
    partly = dllm.Kind.SUFFIX if cache_of(case) == "prefix" else dllm.Kind.BLOCK
    kind = dllm.Kind.FULL if call["kind"] == "full" else partly
    stores = bool(call["store"])
    return [int(kind), call["start"], call["length"], int(stores), call["batch"]]
