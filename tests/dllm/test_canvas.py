"""Laying out rows."""

from typing import Any

import jax
import numpy as np
import pytest

import dllm
from dllm.canvas import token_ids


def test_rows_are_contiguous_and_padded_behind() -> None:
    rows = dllm.rows([[5], [6, 7, 8]], [4, 2], 2, seed=3)
    assert rows.canvas.tolist() == [[5, -1, -1, -1, -1], [6, 7, 8, -1, -1]]
    assert rows.prompt.tolist() == [1, 3]
    assert rows.blocks.tolist() == [[[1, 3], [3, 5]], [[3, 5], [5, 5]]]


def test_one_seed_means_one_more_a_row() -> None:
    counted, listed = dllm.rows([[1], [1]], 2, seed=4), dllm.rows([[1], [1]], 2, seed=[4, 5])
    assert (counted.keys == listed.keys).all()
    assert counted.keys[0] != counted.keys[1]


def test_numpy_says_the_same() -> None:
    plain = dllm.rows([[1, 2], [3, 4]], 8, 4, seed=3)
    numpy = dllm.rows(np.array([[1, 2], [3, 4]]), np.int64(8), 4, seed=np.int32(3))
    jax.tree.map(np.testing.assert_array_equal, plain._replace(keys=0), numpy._replace(keys=0))
    assert (plain.keys == numpy.keys).all()


@pytest.mark.parametrize("prompt", [3, [1.5], [[1]], "text"])
def test_refuses_what_is_no_list_of_ids(prompt: Any) -> None:
    with pytest.raises(TypeError, match="rows: a prompt must be a sequence of token ids, got"):
        token_ids(prompt)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([], 8), "rows: prompts must hold at least one prompt, got none"),
        (([[1]], 0), "blocks: gen_length must be at least 1, got 0"),
        (
            ([[1]], 8, 3),
            "blocks: block_length must divide gen_length, got block_length 3 and gen_length 8",
        ),
        (([[1]], 8, 0), "blocks: block_length must divide gen_length, got block_length 0"),
        (([[1], [2]], [8]), r"rows: gen_length needs one entry a prompt \(2\), got 1"),
        (([[1, -7]], 8), r"rows: token ids must be at least -1 \(MASK\), got -7"),
    ],
)
def test_refuses_bad_rows(arguments: tuple[Any, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        dllm.rows(*arguments)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"length": 5}, r"rows: length must hold the longest row \(9 positions\), got 5"),
        ({"seed": [1, 2]}, r"rows: seed needs one entry a prompt \(1\), got 2"),
        ({"seed": -1}, "rows: seeds must be in"),
    ],
)
def test_refuses_bad_options(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        dllm.rows([[1]], 8, **options)
