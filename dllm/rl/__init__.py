"""Reinforcement learning on the trajectory that a scheduler decodes along (CJ-GRPO).

    from dllm.rl import Question, RolloutSettings, Settings, train
    from dllm.train import OptimizerSettings

    settings = Settings(
        rollout=RolloutSettings("eoser_ass", positions=96, answer=32, prompts=8, group=8),
        optimizer=OptimizerSettings(steps=400, learning_rate=3e-6, schedule="constant"),
    )
    train(settings, draw_question, [exact_answer], model=dllm.load(checkpoint), out="run")

Answers are drawn by `dllm.decode_many` with any scheduler; a reward is a plain function of a text
and the question's label. The same call continues a run that was cut off, bit for bit.
"""

from dllm.rl.loop import train
from dllm.rl.rewards import Question, Questions, Reward, RewardError
from dllm.rl.settings import LoraSettings, ObjectiveSettings, RolloutSettings, Settings

__all__ = [
    "LoraSettings",
    "ObjectiveSettings",
    "Question",
    "Questions",
    "Reward",
    "RewardError",
    "RolloutSettings",
    "Settings",
    "train",
]
