"""How likely a model finds an answer: the masked likelihood by Monte Carlo.

LLaDA, arXiv 2502.09992, equation 6: hide l of the answer's L tokens at random, take the
log-probabilities of what was hidden times L / l, average over draws of l and of the positions.
"""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Key

from dllm.forward import Denoiser, Headed
from dllm.jobs import bucket
from dllm.load import Model
from dllm.prompts import encode, listed, refuse_too_long
from samplers import MASK, VOID


def score(
    model: Model,
    prompts: Any,
    answers: Any,
    *,
    samples: int = 128,
    batch: int = 8,
    seed: int = 0,
    chat: bool | None = None,
) -> Any:
    """Log-likelihood in nats of each answer given its prompt; one number for a single pair.

    An unbiased estimate of a lower bound of the log-likelihood. `samples` masked canvases are
    looked at, `batch` at a time; within a batch the number of masked tokens is spread evenly over
    1 to L, as published. Answers of one token are exact. Prompts and answers are texts or ids.
    """
    for name, value in (("samples", samples), ("batch", batch)):
        if value < 1:
            raise ValueError(f"score: {name} must be at least 1, got {value}")
    (first, single), (second, _) = listed(prompts), listed(answers)
    if len(first) != len(second):
        raise ValueError(
            f"score: needs an answer a prompt, got {len(first)} prompts and {len(second)} answers"
        )
    keys = jax.random.split(jax.random.key(seed), len(first))
    scores = [
        _score_one(
            model,
            number,
            encode(model, prompt, chat),
            encode(model, answer, chat=False),
            samples,
            min(batch, samples),
            key,
        )
        for number, (prompt, answer, key) in enumerate(zip(first, second, keys, strict=True))
    ]
    return scores[0] if single else scores


def _score_one(
    model: Model,
    number: int,
    prompt: list[int],
    answer: list[int],
    samples: int,
    batch: int,
    key: Key[Array, ""],
) -> float:
    if not answer:
        raise ValueError(f"score: answer {number} must hold at least one token, got none")
    refuse_too_long(model, number, len(prompt), len(answer))
    ids = [*prompt, *answer]
    length = bucket(len(ids), model.config.max_length)
    canvas = np.full(length, VOID, np.int32)
    canvas[: len(ids)] = ids
    rounds = -(-samples // batch)
    return float(
        estimate(
            model.network,
            jnp.asarray(canvas),
            jnp.asarray([len(prompt), len(ids)]),
            jax.random.split(key, rounds),
            batch=batch,
            window=min(bucket(len(answer), length), length),
        )
    )


@partial(jax.jit, static_argnames=("batch", "window"))
def estimate(
    model: Denoiser | Headed,
    canvas: Int[Array, " length"],
    bounds: Int[Array, "2"],
    keys: Key[Array, " rounds"],
    *,
    batch: int,
    window: int,
) -> Float[Array, ""]:
    """The mean over rounds of `batch` maskings of the positions [bounds[0], bounds[1]).

    `window` is at least their number.
    """
    start = jnp.full(batch, bounds[0], jnp.int32)
    at = jnp.minimum(bounds[0] + jnp.arange(window), canvas.shape[0] - 1)

    def one(key: Key[Array, ""]) -> Float[Array, ""]:
        hidden = maskings(key, canvas.shape[0], bounds, batch)
        canvases = jnp.where(hidden, MASK, canvas[None])
        ask = model.hidden if isinstance(model, Headed) else model.logits
        states = ask(canvases, start, window)
        found = jax.lax.map(partial(_log_probs, model, canvas[at]), states)
        inside = hidden[:, at] & (jnp.arange(window) < bounds[1] - bounds[0])[None]
        number = (bounds[1] - bounds[0]).astype(jnp.float32)
        share = jnp.sum(hidden, axis=-1).astype(jnp.float32) / number
        return jnp.mean(jnp.sum(jnp.where(inside, found, 0), axis=-1) / share)

    return jnp.mean(jax.lax.map(one, keys))


def maskings(
    key: Key[Array, ""], length: int, bounds: Int[Array, "2"], batch: int
) -> Bool[Array, "batch length"]:
    """Which positions each of `batch` maskings hides: numbers spread over 1 … L, places random."""
    number, places = jax.random.split(key)
    answer = bounds[1] - bounds[0]
    first = jax.random.randint(number, (), 1, answer + 1).astype(jnp.float32)
    steps = jnp.arange(batch, dtype=jnp.float32) / batch * answer.astype(jnp.float32)
    spread = jnp.round(first + steps).astype(jnp.int32)
    counts = (spread - 1) % answer + 1
    at = jnp.arange(length)
    inside = (at >= bounds[0]) & (at < bounds[1])
    draws = jnp.where(inside[None], jax.random.uniform(places, (batch, length)), 2)
    ranks = jnp.argsort(jnp.argsort(draws, axis=-1), axis=-1)
    return ranks < counts[:, None]


def _log_probs(
    model: Denoiser | Headed, tokens: Int[Array, " window"], states: Float[Array, "window width"]
) -> Float[Array, " window"]:
    """Log-probabilities of one canvas's tokens."""
    logits = model.head(states) if isinstance(model, Headed) else states
    chosen = jnp.take_along_axis(logits, jnp.maximum(tokens, 0)[:, None], axis=-1)[:, 0]
    return chosen - jax.nn.logsumexp(logits, axis=-1)
