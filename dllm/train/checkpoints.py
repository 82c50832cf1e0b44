"""Checkpoints of a run: whole or not there, the last few kept."""

import logging
import shutil
from pathlib import Path
from typing import Any

import jax
import orbax.checkpoint as ocp

from dllm.models.converted import quiet
from dllm.train.step import State

TEMPORARY = ".orbax-checkpoint-tmp"
"""In the name of a checkpoint that is being written."""


class CheckpointWriteError(OSError):
    """A checkpoint that could not be written; those before it are untouched."""


class Checkpoints:
    """States by step in a folder. One that is being written has another name until it is whole."""

    def __init__(self, folder: Path, keep: int) -> None:
        self._folder = folder.absolute()
        options = ocp.CheckpointManagerOptions(max_to_keep=keep, enable_async_checkpointing=False)
        self._sweep()
        with quiet():
            self._manager = ocp.CheckpointManager(self._folder, options=options)

    @property
    def latest(self) -> int | None:
        """The step of the newest checkpoint."""
        return self._manager.latest_step()

    @property
    def kept(self) -> str:
        """What a run that ends here leaves behind."""
        if self.latest is None:
            return "no checkpoint was written"
        return f"the checkpoint of step {self.latest} is kept"

    def save(self, step: int, state: State) -> None:
        """Writes a state, then lets go of the oldest.

        Raises:
            CheckpointWriteError: the disk is full, or refuses for another reason.
        """
        needed = sum(leaf.nbytes for leaf in jax.tree.leaves(state))
        free = shutil.disk_usage(self._folder).free
        if free < needed:
            raise self._refusal(step, f"it takes {needed} bytes, the disk has {free}")
        with quiet():
            reason = self._write(step, state)
        if reason is not None:
            raise self._refusal(step, reason)

    def restore(self, like: State) -> State:
        """The newest state; `like` holds its shapes and places."""
        with quiet():
            found = self._manager.restore(
                self.latest, args=ocp.args.StandardRestore(_by_name(like))
            )
        return jax.tree.unflatten(jax.tree.structure(like), [found[n] for n in _by_name(like)])

    def _write(self, step: int, state: State) -> str | None:
        """Writes; says why it did not."""
        try:
            self._manager.save(step, args=ocp.args.StandardSave(_by_name(state)), force=True)
        except Exception as error:  # orbax and tensorstore raise many kinds
            reason = str(error).strip().partition("\n")[0].rpartition(": ")[2]
        else:
            return None
        self._sweep()
        # The tasks of other tensors complain whenever they are collected.
        logging.getLogger("asyncio").addFilter(lambda r: "never retrieved" not in r.getMessage())
        return reason

    def _sweep(self) -> None:
        """Takes away what was not written to its end."""
        for path in self._folder.glob(f"*{TEMPORARY}*"):
            shutil.rmtree(path, ignore_errors=True)

    def _refusal(self, step: int, reason: str) -> CheckpointWriteError:
        what = f"{self._folder}: the checkpoint of step {step} was not written ({reason})"
        return CheckpointWriteError(f"{what}; {self.kept}")

    def close(self) -> None:
        """Lets go of the folder."""
        self._manager.close()


def _by_name(state: State) -> dict[str, Any]:
    """Leaves by their path: what is stored depends on no class."""
    leaves = jax.tree.leaves_with_path(state)
    return {jax.tree_util.keystr(path, simple=True, separator="/"): leaf for path, leaf in leaves}
