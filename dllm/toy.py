"""Toy denoisers: small exact models for documentation, tests and the demo.

`Chain` is the exact posterior of a Markov chain: what a masked-diffusion model would learn of that
language with unlimited data. Every position's marginal is right; what a step loses by writing
several positions at once is therefore the scheduler's loss and nobody else's.
"""

from abc import ABC, abstractmethod
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Bool, Float, Int

from dllm.caches import Span
from samplers import MASK, VOID, part, static

_FLOOR = 1e-9


class Alone(ABC):
    """Gives `review` to a denoiser that masked inputs tell nothing, so that a shadow stands alone.

    It is asked once more for every position of the window, with that one hidden.
    """

    @abstractmethod
    def logits(
        self, canvas: Int[Array, "rows length"], start: Int[Array, " rows"], window: int
    ) -> Float[Array, "rows window vocab"]:
        """See `dllm.forward.Denoiser`."""

    def review(
        self,
        canvas: Int[Array, "rows length"],
        start: Int[Array, " rows"],
        window: int,
        shadowed: Bool[Array, "rows window"],
    ) -> tuple[Float[Array, "rows window vocab"], Float[Array, "rows window vocab"]]:
        """See `dllm.Reviewing`."""
        length = canvas.shape[1]
        at = jnp.minimum(start[:, None] + jnp.arange(window)[None], length - 1)
        own = jnp.arange(length)[None, None] == at[..., None]
        hidden = jnp.where(own, MASK, canvas[:, None]).reshape(-1, length)
        shadow = self.logits(hidden, at.reshape(-1), 1)
        return self.logits(canvas, start, window), shadow.reshape(*shadowed.shape, -1)


@part
class Chain(Alone):
    """Marginals of a Markov chain given the decided positions nearest on either side."""

    steps: ArrayLike
    """`[length + 1, vocab, vocab]`: log p(token d positions later | token), for d = 0 … length."""
    first: ArrayLike
    """`[length, vocab]`: log p(token at a position) with nothing decided before it."""
    bias: ArrayLike
    """`[length, vocab]`: added to the logits; 0 keeps the marginals exact."""

    def logits(
        self, canvas: Int[Array, "rows length"], start: Int[Array, " rows"], window: int
    ) -> Float[Array, "rows window vocab"]:
        """See `dllm.forward.Denoiser`."""
        return self.within(None, canvas, start, window)

    def within(
        self,
        block: int | None,
        canvas: Int[Array, "rows length"],
        start: Int[Array, " rows"],
        window: int,
    ) -> Float[Array, "rows window vocab"]:
        """The logits, with `block` given nothing behind each position's own block."""

        def of_row(canvas: Int[Array, " length"], start: Int[Array, ""]):
            at = jnp.minimum(start + jnp.arange(window), canvas.shape[0] - 1)
            return self._row(canvas, block)[at]

        return jax.vmap(of_row)(canvas, start)

    def _row(
        self, canvas: Int[Array, " length"], block: int | None
    ) -> Float[Array, "length vocab"]:
        """Logits of every position."""
        steps, first = jnp.asarray(self.steps), jnp.asarray(self.first)
        length = canvas.shape[0]
        at = jnp.arange(length)
        left = jax.lax.cummax(jnp.where(canvas >= 0, at, -1))
        right = jax.lax.cummin(jnp.where(canvas >= 0, at, length), reverse=True)
        if block is not None:
            right = jnp.where(right // block > at // block, length, right)
        after = steps[at - left, canvas[left]]
        before = steps[right - at, :, canvas[jnp.minimum(right, length - 1)]]
        from_left = jnp.where((left >= 0)[:, None], after, first[:length])
        from_right = jnp.where((right < length)[:, None], before, 0)
        return from_left + from_right + jnp.asarray(self.bias)[:length]


@part
class BlockChain:
    """A `Chain` as a block-causal model: a position knows nothing behind its own block.

    What it keeps of a position is the token that stood there.
    """

    chain: Chain
    causal_block: int = static()
    """See `dllm.BlockCausal`."""

    def logits(
        self, canvas: Int[Array, "rows length"], start: Int[Array, " rows"], window: int
    ) -> Float[Array, "rows window vocab"]:
        """See `dllm.Denoiser`."""
        return self.chain.within(self.causal_block, canvas, start, window)

    def remember(
        self, canvas: Int[Array, "rows length"], start: Int[Array, " rows"], window: int
    ) -> tuple[Float[Array, "rows window vocab"], Int[Array, "rows length"]]:
        """See `dllm.Cached`."""
        return self.logits(canvas, start, window), canvas

    def recall(
        self,
        memory: Int[Array, "rows length"],
        canvas: Int[Array, "rows length"],
        span: Span,
        window: int,
    ) -> Float[Array, "rows window vocab"]:
        """See `dllm.Cached`."""
        at = jnp.arange(canvas.shape[1])[None]
        known = self.store(memory, canvas, span, window)
        return self.logits(jnp.where(at < span.known[:, None], known, MASK), span.start, window)

    def store(
        self,
        memory: Int[Array, "rows length"],
        canvas: Int[Array, "rows length"],
        span: Span,
        window: int,
    ) -> Int[Array, "rows length"]:
        """See `dllm.BlockCausal`."""
        at = jnp.arange(canvas.shape[1])[None]
        end = jnp.minimum(span.stop, span.start + window)
        return jnp.where((at >= span.start[:, None]) & (at < end[:, None]), canvas, memory)


def chain(transitions: np.ndarray, initial: np.ndarray, length: int) -> Chain:
    """The denoiser of a Markov chain on canvases of up to `length` positions.

    `transitions[a, b]` = p(b follows a); `initial[a]` = p(a comes first).
    """
    powers = [np.eye(len(initial))]
    for _ in range(length):
        powers.append(powers[-1] @ transitions)
    first = initial @ np.stack(powers[:length])
    return Chain(_log(np.stack(powers)), _log(first), np.zeros((length, len(initial)), np.float32))


def random_chain(seed: int, vocab: int = 16, length: int = 64, sharpness: float = 3.0) -> Chain:
    """A chain with random transitions, and a bias by position so that no two positions tie."""
    random = np.random.default_rng(seed)
    weights = np.exp(sharpness * random.normal(size=(vocab, vocab)))
    transitions = weights / weights.sum(axis=-1, keepdims=True)
    made = chain(transitions, np.full(vocab, 1 / vocab), length)
    return Chain(made.steps, made.first, random.normal(size=(length, vocab)).astype(np.float32))


class Language(NamedTuple):
    """A toy language: its exact denoiser and its words by token id."""

    denoiser: Chain
    words: tuple[str, ...]
    follows: np.ndarray
    """`[vocab, vocab]`: whether a word may follow another."""

    def spell(self, canvas: Any, hole: str = "·") -> str:
        """The canvas as text."""
        tokens = np.asarray(canvas)
        return " ".join(hole if t < 0 else self.words[t] for t in tokens if t != VOID)

    def broken(self, canvas: Any) -> np.ndarray:
        """`[length]`: which words stand where the language does not let them follow the last."""
        tokens = np.asarray(canvas)
        both = (tokens[:-1] >= 0) & (tokens[1:] >= 0)
        follows = self.follows[np.maximum(tokens[:-1], 0), np.maximum(tokens[1:], 0)]
        return np.concatenate([[False], both & ~follows])


# Sentences of a subject, a verb that agrees with it, and an object. Words of one class are listed
# singular first; the same spelling in two classes is two tokens.
WORDS = {
    "stop": (".",),
    "subject article": ("the", "a", "some"),
    "subject": ("cat", "bird", "child", "river", "cats", "birds", "children", "rivers"),
    "verb": ("sees", "hears", "follows", "paints", "see", "hear", "follow", "paint"),
    "object article": ("the", "a", "some"),
    "object": ("garden", "stone", "boat", "tree", "gardens", "stones", "boats", "trees"),
    "adverb": ("slowly", "again", "today"),
}
ORDER = {
    "stop": {"subject article": 1.0},
    "subject article": {"subject": 1.0},
    "subject": {"verb": 1.0},
    "verb": {"object article": 1.0},
    "object article": {"object": 1.0},
    "object": {"stop": 0.8, "adverb": 0.2},
    "adverb": {"stop": 1.0},
}
AGREEING = {("subject article", "subject"), ("subject", "verb"), ("object article", "object")}


def sentences(length: int = 64) -> Language:
    """Simple English in which articles, nouns and verbs must agree in number."""
    tokens = [(kind, i) for kind, listed in WORDS.items() for i in range(len(listed))]
    habits = np.exp(np.random.default_rng(0).normal(size=(len(tokens), len(tokens))))
    transitions = np.zeros_like(habits)
    for row, before in enumerate(tokens):
        for kind, share in ORDER[before[0]].items():
            own = np.array([token[0] == kind and _agree(before, token) for token in tokens])
            transitions[row, own] = share * habits[row, own] / habits[row, own].sum()
    words = tuple(word for listed in WORDS.values() for word in listed)
    return Language(chain(transitions, transitions[0], length), words, transitions > 0)


def _agree(before: tuple[str, int], after: tuple[str, int]) -> bool:
    both = (before[0], after[0]) in AGREEING
    return not both or bool(_numbers(*before) & _numbers(*after))


def _numbers(kind: str, index: int) -> set[str]:
    """Singular, plural or both."""
    if kind.endswith("article"):
        return [{"one", "many"}, {"one"}, {"many"}][index]
    return {"one"} if index < len(WORDS[kind]) // 2 else {"many"}


def _log(probabilities: np.ndarray) -> np.ndarray:
    return np.log(np.maximum(probabilities, _FLOOR)).astype(np.float32)
