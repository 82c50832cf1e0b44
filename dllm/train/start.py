"""The model that a run starts from: a checkpoint, or random weights."""

import json
import math
import zlib
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
from flax import nnx

from dllm.hub import folder_of
from dllm.load import Model, describe, load
from dllm.models.config import Config
from dllm.models.export import copy_texts
from dllm.models.int8 import is_int8
from dllm.models.network import Network, abstract
from dllm.train.settings import SCRATCH, ModelSettings

_RESIDUAL = ("attention.output.weight", "mlp.down.weight")


def starting_model(
    settings: ModelSettings, out: str | Path, seed: int, given: Model | None = None
) -> Model:
    """The model that is `given`, else what the settings say.

    That is a checkpoint, loaded in float32, or one that is made up: its folder is then
    `out/scratch`.

    Raises:
        ValueError: the weights are kept in int8; or from scratch, and the config or the tokenizer
            is left out or does not fit.
    """
    model = _of(settings, out, seed) if given is None else given
    if is_int8(model.network.state):
        raise ValueError(f"{model.name}: weights in int8 cannot be trained")
    return model


def _of(settings: ModelSettings, out: str | Path, seed: int) -> Model:
    if settings.init != SCRATCH:
        return load(settings.init, dtype="float32")
    for name in ("config", "tokenizer"):
        if getattr(settings, name) is None:
            raise ValueError(f"model.{name} must be given to start from scratch, got none")
    assert settings.config is not None
    assert settings.tokenizer is not None
    folder = Path(out) / "scratch"
    folder.mkdir(parents=True, exist_ok=True)
    copy_texts(folder_of(settings.tokenizer), folder)
    (folder / "config.json").write_text(json.dumps(settings.config, indent=1) + "\n", "utf-8")
    return scratch(folder, seed)


def scratch(folder: str | Path, seed: int = 0) -> Model:
    """A model of random weights for a folder's config.json and tokenizer.

    Matrices are normal with variance 1 / fan-in, those that write to the residual stream divided by
    2 layers; norms are 1 and biases 0. An embedding that is not the head has variance 1: from
    less, the first steps move all of it one way, and tokens are no longer told apart.
    """
    about = describe(folder)
    graph, shapes = abstract(about.config, jnp.float32)
    state = nnx.from_flat_state(
        [
            (keys, variable.replace(_weights(keys, variable.shape, about.config, seed)))
            for keys, variable in nnx.to_flat_state(shapes)
        ]
    )
    network = Network(state, about.specials.mask, graph)
    return Model(
        about.name,
        about.family,
        about.config,
        about.specials,
        network,
        about.tokenizer,
        about.chat,
    )


def _weights(
    keys: tuple[Any, ...], shape: tuple[int, ...], config: Config, seed: int
) -> jnp.ndarray:
    name = ".".join(map(str, keys))
    if len(shape) == 1:
        return jnp.full(shape, 0.0 if name.endswith(".bias") else 1.0, jnp.float32)
    random = np.random.default_rng([seed, zlib.crc32(name.encode())])
    if name == "embedding" and not config.tied:
        return jnp.asarray(random.standard_normal(shape, np.float32))
    residual = math.sqrt(2 * config.layers) if name.endswith(_RESIDUAL) else 1.0
    spread = 1 / (residual * math.sqrt(shape[-1]))
    return jnp.asarray(spread * random.standard_normal(shape, np.float32))
