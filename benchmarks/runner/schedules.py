"""What writes a fixed number of tokens a step where the published runs went by Dream's schedule.

The leaderboard's runs of Dream and DiffuCoder asked for k tokens a step by giving Dream's sampler
L / k steps for L positions. In its float32 arithmetic some steps write a token less and the last
one the rest. The forwards, and so the tokens a step, are those of the name.
"""

import dllm
from benchmarks.leaderboard.methods import is_whole
from benchmarks.runner.protocol import Protocol
from benchmarks.runner.settings import Setting


def scheduler_of(protocol: Protocol, setting: Setting, positions: int) -> dllm.Scheduler:
    """The rule that a setting is on an answer of so many positions.

    Raises:
        ValueError: a number of tokens that does not divide the positions.
    """
    if protocol.schedule_end is None or not is_whole(setting.rule):
        return setting.scheduler
    tokens = setting.options.get("tokens", 1)
    if positions % tokens:
        raise ValueError(
            f"tokens: must divide the {positions} positions of an answer where Dream's schedule "
            f"writes them, got {tokens}"
        )
    steps, end = positions // tokens, protocol.schedule_end
    return dllm.rule(f"{setting.rule}+dream", steps=steps, eps=end)
