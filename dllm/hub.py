"""Where a checkpoint's folder is: embedded, local, or a hub id fetched by `huggingface_hub`."""

from importlib import resources
from pathlib import Path

import huggingface_hub
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

from dllm.models.config import CheckpointError

PATTERNS = (
    "*.safetensors",
    "model.safetensors.index.json",
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    "chat_template.jinja",
)
"""All that is ever fetched: no pickles and no code."""


EMBEDDED = ("tiny",)
"""Checkpoints that come with the package; a folder of such a name is written `./tiny`."""


def folder_of(path: str | Path, revision: str | None = None) -> Path:
    """The folder of a checkpoint, fetched if need be.

    Raises:
        CheckpointError: it is neither a folder nor a hub id that can be had.
    """
    if path in EMBEDDED:
        return Path(str(resources.files("dllm.models") / str(path)))
    folder = Path(path).expanduser()
    if folder.is_dir():
        return folder
    if folder.exists():
        raise CheckpointError(f"{path}: must be a checkpoint's folder, got a file")
    if not _is_hub_id(str(path)):
        raise CheckpointError(f"{path}: no such folder, and not a hub id (OWNER/NAME)")
    return _fetch(str(path), revision)


def _is_hub_id(text: str) -> bool:
    parts = text.split("/")
    return len(parts) == 2 and all(parts) and not text.startswith((".", "~"))


def _fetch(name: str, revision: str | None) -> Path:
    try:
        found = huggingface_hub.snapshot_download(
            name, revision=revision, allow_patterns=list(PATTERNS)
        )
    except LocalEntryNotFoundError:
        reason = "it is not in the local cache, and the hub cannot be reached"
    except HFValidationError as error:
        reason = f"not a hub id ({error})"
    except (HfHubHTTPError, OSError) as error:
        reason = f"the hub answered {type(error).__name__}: {str(error).splitlines()[0]}"
    else:
        return Path(found)
    raise CheckpointError(f"{name}: no such folder, and not fetched: {reason}")
