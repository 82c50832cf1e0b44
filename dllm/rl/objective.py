"""The consistency-trajectory objective of CJ-GRPO, as pure functions.

Yang et al. 2025, "Taming Masked Diffusion Language Models via Consistency Trajectory Reinforcement
Learning with Fewer Decoding Step", https://arxiv.org/abs/2509.23924. An answer was written in
transitions from one canvas to the next. The policy is asked about every one of these canvases, and
only for the tokens that were written there: it learns on what it saw when it decoded.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from dllm.forward import Denoiser, Headed
from dllm.propose import suppress, temper
from dllm.train.objective import log_likelihood

NORMALISATIONS = ("paper", "code")
"""What a written token counts; see `weights`."""


class Coefficients(NamedTuple):
    """Numbers of the objective. Data: changing them compiles nothing."""

    epsilon: float | Float[Array, ""]
    """How far a ratio may move from 1 before it is clipped."""
    beta: float | Float[Array, ""]
    """What the divergence from the reference counts."""


class Measured(NamedTuple):
    """Weighted sums over written tokens. With weights that add up to 1 they are means."""

    loss: Float[Array, ""]
    kl: Float[Array, ""]
    """k3 estimate of the divergence from the reference: exp(d) - d - 1, d = reference - policy."""
    clipped: Float[Array, ""]
    """Tokens whose gradient clipping cuts."""
    outside: Float[Array, ""]
    """Tokens whose ratio is outside 1 ± epsilon, cut or not."""


def advantages(
    rewards: Float[np.ndarray | Array, " rows"], group: int
) -> Float[np.ndarray | Array, " rows"]:
    """Rewards above the mean of their group; `group` answers in a row are to the same prompt.

    They are not divided by a deviation, as published.

    Raises:
        ValueError: rows do not make whole groups.
    """
    if group < 1 or rewards.shape[0] % group:
        raise ValueError(
            f"advantages: group must divide the {rewards.shape[0]} rewards, got {group}"
        )
    groups = rewards.reshape(-1, group)
    return (groups - groups.mean(axis=1, keepdims=True)).reshape(-1)


def weights(
    written: Bool[np.ndarray | Array, "rows steps positions"],
    steps: Int[np.ndarray | Array, " rows"],
    normalisation: str = "paper",
) -> Float[Array, "rows steps positions"]:
    """What each written token counts in the loss; `steps` are the transitions of each row.

    `paper` (Eq. 11): the mean over rows, of the mean over a row's transitions, of the mean over the
    tokens written there. `code`, as shipped: the mean over transitions of the mean over all tokens
    that any row wrote there, so that a row counts more where it writes more. They are equal if all
    rows write equally many tokens in each transition. A transition that wrote nothing counts 0.

    Raises:
        ValueError: an unknown normalisation.
    """
    if normalisation not in NORMALISATIONS:
        raise ValueError(
            f"weights: normalisation must be one of {', '.join(NORMALISATIONS)}, "
            f"got {normalisation!r}"
        )
    counted = jnp.asarray(written, jnp.float32)
    taken = jnp.maximum(jnp.asarray(steps, jnp.float32), 1)
    if normalisation == "paper":
        tokens = jnp.sum(counted, axis=2, keepdims=True)
        return counted / jnp.maximum(tokens, 1) / (taken * taken.shape[0])[:, None, None]
    tokens = jnp.sum(counted, axis=(0, 2), keepdims=True)
    return counted / jnp.maximum(tokens, 1) / jnp.max(taken)


def measure(
    log_probs: Float[Array, "*rows positions"],
    old: Float[Array, "*rows positions"],
    reference: Float[Array, "*rows positions"],
    advantage: Float[Array, "*rows"],
    counts: Float[Array, "*rows positions"],
    coefficients: Coefficients,
) -> Measured:
    """The loss, and what is said of it, of tokens that count `counts`; 0 is not written.

    A token costs -min(r A, clip(r, 1 - epsilon, 1 + epsilon) A) + beta k3, with r the policy's
    probability of it over the one before the first inner update.
    """
    written = counts > 0
    # Before the exponential: of what is not written it may be infinite, and 0 inf is no number.
    ratio = jnp.exp(jnp.where(written, log_probs - old, 0))
    apart = jnp.where(written, reference - log_probs, 0)
    kl = jnp.exp(apart) - apart - 1
    gain = jnp.broadcast_to(advantage[..., None], ratio.shape)
    epsilon = jnp.asarray(coefficients.epsilon, jnp.float32)
    free, held = ratio * gain, jnp.clip(ratio, 1 - epsilon, 1 + epsilon) * gain
    cost = jnp.asarray(coefficients.beta, jnp.float32) * kl - jnp.minimum(free, held)

    def add_up(values: Array) -> Array:
        return jnp.sum(counts * values.astype(jnp.float32))

    outside = jnp.abs(ratio - 1) > epsilon
    return Measured(*map(add_up, (cost, kl, held < free, outside)))


def log_probs(
    model: Denoiser | Headed,
    canvas: Int[Array, "rows length"],
    start: Int[Array, " rows"],
    targets: Int[Array, "rows window"],
    temperature: float | Float[Array, ""] = 1.0,
    never: tuple[int, ...] = (),
) -> Float[Array, "rows window"]:
    """Log-probability of `targets` at the positions from each row's `start` on, in float32.

    Of the distribution that rollouts draw from: at a temperature above 0, without the ids of
    `never`. Where a target is no token (`MASK`, `VOID`) the answer is 0.
    """
    if isinstance(model, Headed):
        logits = model.head(model.hidden(canvas, start, targets.shape[1]))
    else:
        logits = model.logits(canvas, start, targets.shape[1])

    def drawn_from(logits: Array) -> Array:
        logits = suppress(logits.astype(jnp.float32), np.asarray(never) if never else None)
        return temper(logits, temperature)

    logits = jax.vmap(drawn_from)(logits)
    return jnp.where(targets >= 0, log_likelihood(logits, targets).log_prob, 0)
