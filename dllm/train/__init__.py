"""Training of masked-diffusion language models.

    from dllm.train import Example, OptimizerSettings, Settings, Shape, train

    settings = Settings(
        shapes=(Shape(positions=96, answer=32, batch=64),),
        optimizer=OptimizerSettings(steps=1000, learning_rate=1e-3, warmup=50, ema=0.999),
    )
    train(settings, source, model=dllm.load(checkpoint, dtype="float32"), out="run")

A source draws one `Example` with the generator that it is given; `jsonl_source` reads files. The
same call continues a run that was cut off, bit for bit. `dllm train` does it from the shell.
"""

from dllm.train.batches import Batch
from dllm.train.checkpoints import CheckpointWriteError
from dllm.train.data import Example, Source, jsonl_source
from dllm.train.heldout import HeldOut
from dllm.train.loop import Evaluate, train
from dllm.train.metrics import NotFiniteError, read_metrics
from dllm.train.settings import (
    DataSettings,
    ModelSettings,
    ObjectiveSettings,
    OptimizerSettings,
    RunSettings,
    Settings,
    Shape,
)
from dllm.train.start import scratch, starting_model
from dllm.train.toml import read_settings

__all__ = [
    "Batch",
    "CheckpointWriteError",
    "DataSettings",
    "Evaluate",
    "Example",
    "HeldOut",
    "ModelSettings",
    "NotFiniteError",
    "ObjectiveSettings",
    "OptimizerSettings",
    "RunSettings",
    "Settings",
    "Shape",
    "Source",
    "jsonl_source",
    "read_metrics",
    "read_settings",
    "scratch",
    "starting_model",
    "train",
]
