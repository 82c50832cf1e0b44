"""How a setting reads logits: as exactly as can be, or rounded where the leaderboard's runs were.

There, confidences were the softmax of bfloat16 logits in bfloat16, but for methods that took it in
float64; those are read exactly. A threshold is compared in the same resolution: 0.9 is 0.8984.
"""

from collections.abc import Mapping, Sequence

import ml_dtypes
import numpy as np

import dllm
from benchmarks.leaderboard.methods import is_exact
from benchmarks.runner.protocol import SITE, Protocol
from benchmarks.runner.settings import LOOP, Setting

_COMPARED = "threshold"
"""The option that is compared with rounded confidences."""


def proposal_of(protocol: Protocol, setting: Setting, never: Sequence[int] = ()) -> dllm.Proposal:
    """The proposal of a setting; `never` are the tokens that it does not write."""
    rounding = "bfloat16" if _is_rounded(protocol.numerics, setting) else "none"
    return dllm.Proposal(protocol.temperature, suppress=never, rounding=rounding)


def as_compared(numerics: str, setting: Setting, ids: Mapping[str, int]) -> Setting:
    """A setting under its own name whose rule has the threshold that it is compared with."""
    if not _is_rounded(numerics, setting) or _COMPARED not in setting.options:
        return setting
    options = {key: value for key, value in setting.options.items() if key not in LOOP}
    value = float(np.float32(ml_dtypes.bfloat16(options[_COMPARED])))
    scheduler = dllm.rule(setting.rule, ids=ids, **{**options, _COMPARED: value})
    return setting._replace(scheduler=scheduler)


def _is_rounded(numerics: str, setting: Setting) -> bool:
    """Rules that the leaderboard does not have are rounded like most of its methods."""
    return numerics == SITE and not is_exact(setting.rule)
