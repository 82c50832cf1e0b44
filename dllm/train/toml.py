"""Settings from a TOML file."""

import dataclasses
from pathlib import Path

from dllm.toml import read
from dllm.train.settings import SCRATCH, DataSettings, Settings


def read_settings(path: str | Path) -> Settings:
    """Settings of a TOML file. Paths in it may be relative to its folder.

    Raises:
        ValueError: not TOML, a key that nobody knows, one that is missing, or a value that breaks a
            rule.
    """
    return _placed(read(Settings, path), Path(path).parent)


def _placed(settings: Settings, folder: Path) -> Settings:
    """The same with paths found from the file's folder where that is where they are."""

    def find(name: str) -> str:
        return str(folder / name) if (folder / name).exists() else name

    model, data = settings.model, settings.data
    init = model.init if model.init == SCRATCH else find(model.init)
    tokenizer = None if model.tokenizer is None else find(model.tokenizer)
    return dataclasses.replace(
        settings,
        model=dataclasses.replace(model, init=init, tokenizer=tokenizer),
        data=DataSettings(tuple(map(find, data.files)), tuple(map(find, data.evaluate))),
    )
