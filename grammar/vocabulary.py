"""The tokens of a model, as bytes."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from grammar.trie import Trie, build_trie


@dataclass(frozen=True)
class Vocabulary:
    """What each token id writes.

    Attributes:
        tokens: The bytes of each id. None: a control token that writes nothing and is never allowed
            inside a text.
        stop_ids: Ids that end a text. Behind the first one only such ids may stand.

    Raises:
        ValueError: no token writes anything, or a stop id is no id.
    """

    tokens: Sequence[bytes | None]
    stop_ids: frozenset[int] = frozenset()

    def __post_init__(self):
        outside = sorted(token for token in self.stop_ids if not 0 <= token < len(self.tokens))
        if outside:
            raise ValueError(f"stop_ids must be in [0, {len(self.tokens)}), got {outside[0]}")
        if not any(self.written(token) for token in range(len(self.tokens))):
            raise ValueError("a vocabulary must have a token that writes bytes, got none")

    def written(self, token: int) -> bytes:
        """The bytes of an id; none for a control or stop token."""
        return b"" if token in self.stop_ids else self.tokens[token] or b""

    @cached_property
    def trie(self) -> Trie:
        """The beginnings of all tokens, as they are written."""
        return build_trie([self.written(token) for token in range(len(self.tokens))])
