"""Grids of sixteen cells, one token a cell: all Latin squares, all sudokus."""

from functools import cache

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, Int

from benchmarks.oracles.marginals import Whole, of_completions
from benchmarks.tasks import latin_square, sudoku
from samplers import part

SIZE = 4
CELLS = SIZE * SIZE


@part
class Grids(Whole):
    """One of listed grids, each as likely as any other. A canvas is a grid and nothing else."""

    listed: ArrayLike
    """`[grids, 16]`: symbols as numbers from 0 on."""

    def _row(self, canvas: Int[Array, " length"]) -> Float[Array, "cells vocab"]:
        listed = jnp.asarray(self.listed)
        exists = jnp.ones(listed.shape[0], bool)
        return of_completions(canvas[:CELLS], listed, exists, SIZE)


@cache
def grids_of(task: str) -> Int[np.ndarray, "grids 16"]:
    """All grids of a task, as numbers from 0 on."""
    if task == sudoku.TASK:
        return (sudoku.grids() - 1).astype(np.int32)
    return np.array(latin_square.squares(), np.int32).reshape(-1, CELLS)
