"""The beginnings of a vocabulary's tokens, each once, found once a vocabulary."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Int


class Trie(NamedTuple):
    """Nodes are beginnings of tokens, shorter ones first; node 0 is the empty one."""

    parent: Int[np.ndarray, " nodes"]
    """Each node without its last byte."""
    byte: Int[np.ndarray, " nodes"]
    """Its last byte."""
    begins: tuple[int, ...]
    """Where the nodes of each length begin, from one byte on, and where the last ones end."""
    node_of_token: Int[np.ndarray, " vocabulary"]
    """The whole of each token; 0 for those that write nothing."""


def build_trie(texts: list[bytes]) -> Trie:
    """The trie of all tokens; `texts` are what they write."""
    sizes = np.asarray([len(text) for text in texts])
    first = np.cumsum(sizes) - sizes
    written = np.frombuffer(b"".join(texts), np.uint8).astype(np.int64)
    node = np.zeros(len(texts), np.int64)
    parents, last, begins = [np.zeros(1, np.int64)], [np.zeros(1, np.int64)], [1]
    left = np.flatnonzero(sizes)
    while len(left):
        depth = len(begins) - 1
        keys, node[left] = np.unique(
            node[left] * 256 + written[first[left] + depth], return_inverse=True
        )
        node[left] += begins[-1]
        parents.append(keys // 256)
        last.append(keys % 256)
        begins.append(begins[-1] + len(keys))
        left = left[sizes[left] > depth + 1]
    return Trie(np.concatenate(parents), np.concatenate(last), tuple(begins), node)
